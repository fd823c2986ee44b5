// My devices, sign out there, sign out everywhere else, end everything. Runs to its end by itself.
import { Session } from "harpiats/session";

const session = new Session<{ userId: string }>();
session.on("ended", ({ reason }) => console.log(`  event: ended, ${reason}`));
session.on("revoked", ({ userId, count }) =>
  console.log(
    `  event: revoked, ${userId ?? "everybody"}${count === undefined ? "" : `, ${count}`}`,
  ),
);

const laptop = await session.create({ userId: "ada" }, { device: { label: "Firefox on Windows" } });
const phone = await session.create({ userId: "ada" }, { device: { label: "Safari on iOS" } });
const tablet = await session.create({ userId: "ada" }, { device: { label: "Chrome on Android" } });
const stranger = await session.create({ userId: "mallory" });

const devices = await session.list("ada", { current: laptop });
for (const { device, isCurrent } of devices)
  console.log(`${device?.label}${isCurrent ? ", this device" : ""}`);

const handle = devices.find(({ device }) => device?.label === "Safari on iOS")?.handle ?? "";
console.log(`mallory ends ada's phone: ${await session.revoke(handle, { userId: "mallory" })}`);
console.log("ada ends it:");
console.log(`  ${await session.revoke(handle, { userId: "ada" })}`);

console.log("everywhere else, while another login runs:");
const [, during] = await Promise.all([
  session.revokeAll("ada", { except: laptop }),
  session.create({ userId: "ada" }),
]);
const isAlive = async (id: string): Promise<string> =>
  (await session.get(id)) ? "alive" : "ended";
console.log(
  `  the laptop is ${await isAlive(laptop)}, the phone ${await isAlive(phone)}, the tablet ${await isAlive(tablet)}`,
);

console.log("everything, of everybody:");
await session.revokeEverything();
console.log(
  `  the laptop is ${await isAlive(laptop)}, the later login ${await isAlive(during)}, mallory ${await isAlive(stranger)}`,
);
