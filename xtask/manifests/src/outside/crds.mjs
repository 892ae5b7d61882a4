// Custom resources against the validators that the packages @kubernetes-models/* carry.
//
// Input: [{package, object}], output: [{place, wrong}]. The validators pass over fields that they do
// not know, so each object is given to them wrapped in a proxy that notes which fields are read: one
// that stands in an object of which others are read by name, but is never read itself, is unknown.

import { readFileSync } from "node:fs";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const modules = process.argv[2];
const requests = JSON.parse(readFileSync(0, "utf8"));

function watch(value, seen) {
  if (value === null || typeof value !== "object") {
    return value;
  }
  const note = { read: new Set(), all: false, children: new Map() };
  seen.note = note;
  return new Proxy(value, {
    get(target, key) {
      if (typeof key === "string") {
        note.read.add(key);
      }
      if (!Object.hasOwn(target, key) || typeof key !== "string") {
        return target[key];
      }
      if (!note.children.has(key)) {
        const child = {};
        note.children.set(key, { seen: child, value: watch(target[key], child) });
      }
      return note.children.get(key).value;
    },
    ownKeys(target) {
      note.all = true;
      return Reflect.ownKeys(target);
    },
  });
}

function unread(value, seen, path, out) {
  const note = seen.note;
  if (value === null || typeof value !== "object" || !note) {
    return;
  }
  const known = [...note.read].some((key) => key !== "constructor" && key !== "length");
  for (const key of Object.keys(value)) {
    const at = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    const child = note.children.get(key);
    if (child) {
      unread(value[key], child.seen, at, out);
    } else if (!Array.isArray(value) && known && !note.all) {
      out.push(at.slice(1));
    }
  }
}

const findings = [];
for (const { package: name, object } of requests) {
  const place = `${object.kind}/${object.metadata?.name ?? ""}`;
  const [group, version] = object.apiVersion.split("/");
  const file = join(modules, "@kubernetes-models", name, group, version, `${object.kind}.js`);
  if (!existsSync(file)) {
    findings.push({ place: `${place} apiVersion`, wrong: `there is no ${object.kind} in ${object.apiVersion}` });
    continue;
  }
  const model = (await import(pathToFileURL(file)))[object.kind];
  // The class hides its validator behind validate(), which checks `this`.
  const seen = {};
  const wrapped = watch(object, seen);
  try {
    model.prototype.validate.call(wrapped);
  } catch (error) {
    findings.push({ place, wrong: String(error.message) });
  }
  const out = [];
  unread(object, seen, "", out);
  for (const field of out) {
    findings.push({ place: `${place} ${field}`, wrong: "is a field that this kind does not know" });
  }
}
process.stdout.write(JSON.stringify(findings));
