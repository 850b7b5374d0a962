// A build that fails the usual way: a lot of progress on stdout, the reason on stderr, exit code 2.
for (let step = 1; step <= 400; step++) console.log(`[${step}/400] compiling module-${step}.ts`);
console.error("src/checkout.ts:42:17 - error TS2339: Property 'totl' does not exist on type 'Cart'.");
console.error('Found 1 error.');
process.exitCode = 2;
