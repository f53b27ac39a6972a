// A web page's SIP phone, without the page: JsSIP on the WebSocket of `ws`. Commands come as lines of JSON on standard
// input, what happens goes out as lines of JSON. Media is not tried: the peer connection says always the same.
'use strict';

const fs = require('fs');
const readline = require('readline');
const Socket = require('ws');

const settings = JSON.parse(process.argv[2]);
const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');

const SDP = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111 0', 'c=IN IP4 0.0.0.0',
  'a=rtpmap:111 opus/48000/2', 'a=rtpmap:0 PCMU/8000', 'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  'a=fingerprint:sha-256 ' + Array(32).fill('AB').join(':'), 'a=setup:actpass', 'a=mid:0', 'a=sendrecv', 'a=rtcp-mux',
  '',
].join('\r\n');

class PeerConnection {
  constructor() {
    this.iceConnectionState = 'connected';
    this.iceGatheringState = 'complete';
    this.signalingState = 'stable';
    this.localDescription = null;
  }
  addEventListener() {}
  removeEventListener() {}
  addTrack() {}
  getSenders() { return []; }
  getReceivers() { return []; }
  close() {}
  async createOffer() { return { type: 'offer', sdp: SDP }; }
  async createAnswer() { return { type: 'answer', sdp: SDP }; }
  async setLocalDescription(description) { this.localDescription = description; }
  async setRemoteDescription() {}
}

class BrowserSocket extends Socket {
  constructor(url, protocol) {
    super(url, protocol, {
      origin: settings.origin, ca: settings.ca && fs.readFileSync(settings.ca),
    });
    BrowserSocket.last = this;
  }
}

Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'test' }, configurable: true });
globalThis.window = globalThis;
globalThis.WebSocket = BrowserSocket;
globalThis.RTCPeerConnection = PeerConnection;
globalThis.RTCSessionDescription = class { constructor(init) { Object.assign(this, init); } };

const JsSIP = require('jssip');
if (settings.debug) JsSIP.debug.enable('JsSIP:*');

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
  drop: () => BrowserSocket.last.terminate(),
  unregister: () => ua.unregister(),
  stop: () => { ua.stop(); setTimeout(() => process.exit(0), 200); },
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  commands[command.do](command);
}).on('close', () => process.exit(0));

ua.start();
