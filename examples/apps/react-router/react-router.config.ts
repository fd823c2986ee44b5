import type { Config } from "@react-router/dev/config";

// React Router 7 needs `future: { v8_middleware: true }` here.
export default { ssr: true } satisfies Config;
