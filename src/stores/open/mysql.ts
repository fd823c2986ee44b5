// Opens a MysqlStore with mysql2.
import { type MysqlPool, MysqlStore } from "../mysql.ts";
import { exportOf, loadDriver, type Opening, type OpeningOptions } from "./driver.ts";

// The data's type is the caller's to say.
// oxlint-disable-next-line typescript/no-explicit-any
export async function openMysql<Data extends Record<string, any>>(
  options: OpeningOptions,
): Promise<Opening<Data>> {
  const { url, clock, pruneInterval } = options;
  const { name, module } = await loadDriver(
    url,
    ["mysql2/promise"],
    "mysql2 is not installed, npm install mysql2 is wanted",
  );
  // mysql2's pool, by its documentation.
  const createPool = exportOf(module, "createPool") as (
    given: object,
  ) => MysqlPool & { query(given: object): Promise<[unknown[][], unknown]>; end(): Promise<void> };
  const pool = createPool({ uri: url.target, connectTimeout: options.connectTimeout * 1000 });
  const store = new MysqlStore<Data>({
    client: options.wrap(pool),
    table: url.parameters.get("table"),
    pruneInterval,
    clock,
  });
  const query = async (sql: string): Promise<unknown[][]> =>
    (await pool.query({ sql, rowsAsArray: true }))[0];
  return {
    driver: name.replace("/promise", ""),
    store,
    connect: async () => void (await query("SELECT 1")),
    migrate: () => store.migrate(),
    schema: () => store.schema(),
    query,
    async close() {
      await store.close();
      await pool.end();
    },
  };
}
