// A fresh process that imports one module and says how many milliseconds it took.
const specifier = JSON.parse(process.argv[2]);
const startedAt = performance.now();
await import(specifier);
process.send(performance.now() - startedAt);
