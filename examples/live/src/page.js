// Both connections, and what each does when it ends.

const show = (name, state, text) => {
  const output = document.getElementById(name);
  output.dataset.state = state;
  output.textContent = text;
};

function connect() {
  const socket = new WebSocket(new URL('/ws', location.href.replace(/^http/, 'ws')));
  socket.onmessage = ({ data }) => show('ws', 'open', data);
  socket.onclose = ({ code, reason }) => {
    show('ws', 'closed', `${code} ${reason}`);
    // 1008: the session is over, and to come again would be refused. Anything else: come again, with the session there is now.
    if (code !== 1008) setTimeout(connect, 1000 + 2000 * Math.random());
  };
}
connect();

const events = new EventSource('/events');
events.onmessage = ({ data }) => show('events', 'open', data);
events.addEventListener('signed-out', ({ data }) => {
  events.close(); // or it would come again
  show('events', 'closed', data);
});
// It comes again by itself, unless it was refused: then the session is over.
events.onerror = () => show('events', 'closed', events.readyState === EventSource.CLOSED ? 'refused' : 'connecting');
