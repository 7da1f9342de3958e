// Renditions by sharp: node sharp_renditions.cjs (each|cascade) FILE WARM_UP QUALITY[,QUALITY…] SIZES [FOLDER]
// Prints what the work cost as JSON; with FOLDER, also writes the renditions there as 0.jpeg, 1.jpeg, …
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const sharp = require("sharp");

sharp.concurrency(1);
sharp.cache(false);

const [way, file, warmUp, qualities, sizes, folder] = process.argv.slice(2);
const quality = qualities.split(",").map(Number);
const sides = sizes.split(",").map(Number);
const box = (side) => ({ width: side, height: side, fit: "inside", withoutEnlargement: true });

// A pipeline per rendition, each from the source.
async function each(data) {
  const source = sharp(data);
  const made = [];
  for (const [at, side] of sides.entries()) {
    made.push(await source.clone().autoOrient().resize(box(side)).jpeg({ quality: quality[at] }).toBuffer());
  }
  return made;
}

// Each rendition from the pixels of the one before.
async function cascade(data) {
  let pixels = sharp(data).autoOrient();
  const made = [];
  for (const [at, side] of sides.entries()) {
    const shrunk = await pixels.resize(box(side)).raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = shrunk.info;
    const raw = { raw: { width, height, channels } };
    made.push(await sharp(shrunk.data, raw).jpeg({ quality: quality[at] }).toBuffer());
    pixels = sharp(shrunk.data, raw);
  }
  return made;
}

function peak() {
  const found = process.platform === "linux" && /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "ascii"));
  return found ? Number(found[1]) / 1024 : process.resourceUsage().maxRSS / 1024;
}

async function main() {
  const render = { each, cascade }[way];
  await render(readFileSync(warmUp));
  const data = readFileSync(file);
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  const made = await render(data);
  const passed = Number(process.hrtime.bigint() - wall) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  const told = { wall: passed, cpu: (user + system) / 1e6, peak: peak() };
  if (folder) made.forEach((bytes, at) => writeFileSync(join(folder, `${at}.jpeg`), bytes));
  console.log(JSON.stringify(told));
}

main();
