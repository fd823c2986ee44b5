// What every session of these measurements holds.

export const DATA = {
  userId: "user-1",
  role: "editor",
  name: "Ada",
  signedInAt: 1_700_000_000_000,
};
