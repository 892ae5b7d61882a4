// Whether the specification's own library, which the argument names, takes each message of
// standard input.
const { readFileSync } = require("node:fs");
const { Webhook } = require(process.argv[2]);

const verdicts = JSON.parse(readFileSync(0, "utf8")).map(({ secret, body, headers }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return "taken";
  } catch (error) {
    return error.constructor.name;
  }
});
process.stdout.write(JSON.stringify(verdicts));
