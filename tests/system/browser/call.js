// A page in a real browser: anna and bert register, anna calls bert, and both must hear what the other's microphone (the
// browser's false one, which beeps) says. What happens is told to the test by POST /event. Settings: location.hash.
'use strict';

const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const HEARD = 1e-4; // of totalAudioEnergy, which is 0 in silence
const connections = new Set();
const sounds = [];

function tell(event, more) {
  return fetch('/event', { method: 'POST', body: JSON.stringify({ event, ...more }) });
}

window.addEventListener('error', (event) => tell('error', { reason: event.message }));
window.addEventListener('unhandledrejection', (event) => tell('error', { reason: String(event.reason) }));

// A browser decodes sound only when something plays it.
function watch(connection) {
  if (connections.has(connection)) return;
  connections.add(connection);
  connection.addEventListener('track', (event) => {
    const sound = new Audio();
    sound.srcObject = event.streams[0] || new MediaStream([event.track]);
    sound.play();
    sounds.push(sound);
  });
}

function registered(user) {
  const phone = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(settings.url)],
    uri: `sip:${user}@${settings.domain}`,
    password: settings.password,
  });
  return new Promise((resolve, reject) => {
    phone.on('registered', () => resolve(phone));
    phone.on('registrationFailed', ({ cause }) => reject(new Error(`not registered: ${cause}`)));
    phone.start();
  });
}

const media = {
  mediaConstraints: { audio: true, video: false },
  pcConfig: { iceServers: settings.ice || [], iceTransportPolicy: settings.policy || 'all' },
};

function answerCalls(phone) {
  phone.on('newRTCSession', ({ session, originator }) => {
    if (originator !== 'remote') return;
    session.on('peerconnection', ({ peerconnection }) => watch(peerconnection));
    session.answer(media);
    if (session.connection) watch(session.connection);
  });
}

function confirmed(phone, target) {
  return new Promise((resolve, reject) => {
    const session = phone.call(target, {
      ...media,
      eventHandlers: {
        peerconnection: ({ peerconnection }) => watch(peerconnection),
        confirmed: () => resolve(session),
        failed: ({ cause }) => reject(new Error(`the call failed: ${cause}`)),
        ended: ({ cause }) => tell('ended', { cause }),
      },
    });
  });
}

// What one end hears, and by which kind of candidates its media comes and goes.
async function state(connection) {
  const found = { energy: 0, bytes: 0 };
  const all = await connection.getStats();
  all.forEach((entry) => {
    if (entry.type === 'inbound-rtp') {
      found.energy = entry.totalAudioEnergy || 0;
      found.bytes = entry.bytesReceived;
    }
    if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
      found.local = all.get(entry.localCandidateId)?.candidateType;
      found.remote = all.get(entry.remoteCandidateId)?.candidateType;
    }
  });
  return found;
}

async function untilBothHear() {
  for (;;) {
    const ends = await Promise.all([...connections].map(state));
    if (ends.length === 2 && ends.every((end) => end.energy > HEARD)) return ends;
    await tell('waiting', { ends });
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function run() {
  const [anna, bert] = await Promise.all([registered('anna'), registered('bert')]);
  await tell('registered');
  answerCalls(bert);
  const session = await confirmed(anna, `sip:bert@${settings.domain}`);
  await tell('confirmed');
  await tell('heard', { ends: await untilBothHear() });
  session.terminate();
  anna.stop();
  bert.stop();
}

run().catch((error) => tell('error', { reason: String(error) }));
