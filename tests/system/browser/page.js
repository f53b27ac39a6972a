// Runs the last script of an HTML example as a page would: settings.html, with settings.replace (text by text) done first.
'use strict';

const settings = JSON.parse(process.argv[2]);
globalThis.JsSIP = require('./globals')(settings).JsSIP;
process.stdin.resume().on('end', () => process.exit(0));

let script = settings.html.split('<script>').pop().split('</script>')[0];
for (const [from, to] of Object.entries(settings.replace)) {
  if (!script.includes(from)) throw new Error(`the page has no ${from}`);
  script = script.replaceAll(from, to);
}
(0, eval)(script);
