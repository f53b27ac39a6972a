// A web page's SIP phone, without the page: JsSIP on the WebSocket of `ws`. Commands come as lines of JSON on standard
// input, what happens goes out as lines of JSON.
'use strict';

const readline = require('readline');

const settings = JSON.parse(process.argv[2]);
const { JsSIP, socket } = require('./globals')(settings);
const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');

const ua = new JsSIP.UA({
  sockets: [new JsSIP.WebSocketInterface(settings.url)],
  uri: settings.uri,
  password: settings.password,
  register: settings.register !== false,
  session_timers: false,
  connection_recovery_min_interval: 1,
  connection_recovery_max_interval: 1,
});
const media = { mediaStream: { getTracks: () => [] } };
let session = null;

const cause = (data) => ({ cause: data.cause, status: data.message && data.message.status_code });

ua.on('connected', () => say('connected'));
ua.on('disconnected', (data) => say('disconnected', { code: data.code }));
ua.on('registered', () => say('registered'));
ua.on('unregistered', () => say('unregistered'));
ua.on('registrationFailed', (data) => say('refused', { cause: data.cause }));
ua.on('newMessage', (data) => {
  if (data.originator === 'remote') say('message', { from: data.request.from.uri.toString(), body: data.request.body });
});
ua.on('newRTCSession', (data) => {
  session = data.session;
  if (data.originator === 'remote') say('incoming', { from: data.request.from.uri.toString() });
  session.on('progress', () => say('ringing'));
  session.on('accepted', () => say('accepted'));
  session.on('confirmed', () => say('confirmed'));
  session.on('ended', (end) => say('ended', cause(end)));
  session.on('failed', (end) => say('failed', cause(end)));
});

const commands = {
  call: (command) => ua.call(command.target, media),
  answer: () => session.answer(media),
  reject: () => session.terminate({ status_code: 486 }),
  end: () => session.terminate(),
  message: (command) => ua.sendMessage(command.target, command.body),
  drop: () => socket().terminate(),
  unregister: () => ua.unregister(),
  stop: () => { ua.stop(); setTimeout(() => process.exit(0), 200); },
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  commands[command.do](command);
}).on('close', () => process.exit(0));

ua.start();
