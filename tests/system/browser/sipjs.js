// As phone.js, with SIP.js: the same commands as lines of JSON on standard input, the same events as lines of JSON.
'use strict';

const readline = require('readline');

const settings = JSON.parse(process.argv[2]);
require('./globals')(settings);
const say = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 0', ''].join('\r\n');

// Media is not tried: every session describes the same.
class Description {
  close() {}
  async getDescription() { return { body: SDP, contentType: 'application/sdp' }; }
  hasDescription(contentType) { return contentType === 'application/sdp'; }
  async rollbackDescription() {}
  async setDescription() {}
  sendDtmf() { return false; }
}

let session = null;
let caller = false;

function watch(SIP, fresh) {
  session = fresh;
  let established = false;
  let cancelled = false;
  fresh.delegate = { onCancel: () => { cancelled = true; } };
  fresh.stateChange.addListener((state) => {
    if (state === SIP.SessionState.Established) {
      established = true;
      say('accepted');
      say('confirmed');
    } else if (state === SIP.SessionState.Terminated) {
      // The delegate hears of the answer after this.
      setImmediate(() => say(established ? 'ended' : 'failed', { cause: cancelled ? 'Canceled' : undefined, status: fresh.refusal }));
    }
  });
}

async function run(SIP) {
  const uri = (text) => SIP.UserAgent.makeURI(text);
  const me = uri(settings.uri);
  const agent = new SIP.UserAgent({
    uri: me,
    transportOptions: { server: settings.url },
    authorizationUsername: me.user,
    authorizationPassword: settings.password,
    logBuiltinEnabled: false,
    sessionDescriptionHandlerFactory: () => new Description(),
    delegate: {
      onConnect: () => say('connected'),
      onDisconnect: (error) => say('disconnected', { code: error && error.code }),
      onInvite: (invitation) => {
        watch(SIP, invitation);
        say('incoming', { from: invitation.remoteIdentity.uri.toString() });
      },
      onMessage: (message) => {
        say('message', { from: message.request.from.uri.toString(), body: message.request.body });
        message.accept();
      },
    },
  });
  const commands = {
    call: (command) => {
      caller = true;
      const inviter = new SIP.Inviter(agent, uri(command.target));
      watch(SIP, inviter);
      inviter.invite({
        requestDelegate: {
          onProgress: (response) => { if (response.message.statusCode > 100) say('ringing'); },
          onReject: (response) => { inviter.refusal = response.message.statusCode; },
        },
      });
    },
    answer: () => { caller = false; return session.accept(); },
    reject: () => session.reject({ statusCode: 486 }),
    end: () => (session.state === SIP.SessionState.Established ? session.bye() : caller ? session.cancel() : session.reject()),
    message: (command) => new SIP.Messager(agent, uri(command.target), command.body).message(),
  };
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const command = JSON.parse(line);
    commands[command.do](command);
  }).on('close', () => process.exit(0));
  await agent.start();
  const registerer = new SIP.Registerer(agent);
  registerer.stateChange.addListener((state) => {
    if (state === SIP.RegistererState.Registered) say('registered');
  });
  await registerer.register({
    requestDelegate: { onReject: (response) => say('refused', { cause: String(response.message.statusCode) }) },
  });
}

import('file://' + require.resolve('sip.js')).then(run);
