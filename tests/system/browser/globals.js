// What a browser has and Node has not, as far as JsSIP asks for it: settings.origin is where the page is from, settings.ca
// the certificate that it trusts. Media is not tried: the peer connection says always the same.
'use strict';

const fs = require('fs');
const Socket = require('ws');

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

// Gives JsSIP and the socket that was opened last: {JsSIP, socket()}.
module.exports = function browser(settings) {
  let last = null;
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'test' }, configurable: true });
  globalThis.window = globalThis;
  globalThis.RTCPeerConnection = PeerConnection;
  globalThis.RTCSessionDescription = class { constructor(init) { Object.assign(this, init); } };
  globalThis.WebSocket = class extends Socket {
    constructor(url, protocol) {
      super(url, protocol, { origin: settings.origin, ca: settings.ca && fs.readFileSync(settings.ca) });
      last = this;
    }
  };
  return { JsSIP: require('jssip'), socket: () => last };
};
