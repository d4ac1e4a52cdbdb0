// streams.js - receives pictures and events: one EventSource, and WebRTC or a stream of JPEGs.
// A page that is hidden or paused closes both, so that nothing is generated or sent for it.

// The connection counts as lost after this many ms without an event; one comes every 2 s.
const SILENCE = 7000;
const PATIENCE = 8000; // ms that WebRTC may take to its first picture

export class Streams {
  // tell: {connected(), lost(), state(state), playing(transport), problem(text)}
  constructor(video, image, tell) {
    this.video = video;
    this.image = image;
    this.tell = tell;
    this.transport = 'auto';
    this.without = ''; // why there is no WebRTC; '': it may be tried
    this.heard = 0;
    this.turn = 0; // of attempts to receive pictures
    setInterval(() => this.watch(), 1000);
    image.addEventListener('load', () => {
      if (this.source === 'jpeg') {
        tell.playing('JPEG', this.reason());
      }
    });
    image.addEventListener('error', () => this.source === 'jpeg' && this.retryJpeg());
    video.addEventListener('loadeddata', () => this.peer && this.show('webrtc'));
  }

  open() {
    this.close();
    this.heard = Date.now();
    this.events = new EventSource('/events');
    this.events.addEventListener('page', (event) => {
      this.heard = Date.now();
      this.page = JSON.parse(event.data).id;
      this.tell.connected();
      this.begin();
    });
    this.events.addEventListener('state', (event) => {
      this.heard = Date.now();
      this.tell.state(JSON.parse(event.data));
    });
    // The browser reconnects by itself, unless it was refused.
    this.events.onerror = () => {
      this.end();
      this.tell.lost();
      if (this.events.readyState === EventSource.CLOSED) {
        this.again = setTimeout(() => this.open(), 2000);
      }
    };
  }

  close() {
    clearTimeout(this.again);
    if (this.events) {
      this.events.close();
      this.events = null;
    }
    this.end();
  }

  // The last picture stays.
  still() {
    this.close();
    this.showStill('/picture.jpg?' + Date.now());
  }

  showStill(address) {
    this.show('still');
    this.image.src = address;
  }

  // Stops at what is on screen, if that is still wanted once it is copied.
  async freeze(wanted) {
    const shown = this.video.hidden ? this.image : this.video;
    const width = shown.videoWidth || shown.naturalWidth;
    if (!this.events || !width) {
      this.close();
      return;
    }
    const canvas = new OffscreenCanvas(width, width);
    canvas.getContext('2d').drawImage(shown, 0, 0, width, width);
    const copy = await canvas.convertToBlob();
    if (wanted()) {
      this.close();
      this.showStill(URL.createObjectURL(copy));
    }
  }

  choose(transport) {
    this.transport = transport;
    if (this.events) {
      this.open();
    }
  }

  // A connection may die silently.
  watch() {
    if (this.events && Date.now() - this.heard > SILENCE) {
      this.tell.lost();
      this.open();
    }
  }

  begin() {
    this.end();
    if (this.transport === 'jpeg') {
      this.jpeg();
    } else {
      // What was begun before the page was held, hidden or reopened is of no more interest.
      const turn = this.turn;
      this.webrtc().catch((error) => turn === this.turn && this.noWebrtc(error.message));
    }
  }

  end() {
    this.turn++;
    clearTimeout(this.patience);
    clearTimeout(this.retry);
    if (this.peer) {
      this.peer.close();
      this.peer = null;
    }
    if (this.source === 'jpeg') {
      this.source = null;
      this.image.removeAttribute('src');
    }
  }

  // Why pictures come the way they do.
  reason() {
    if (this.source === 'webrtc') {
      return 'WebRTC: a compressed video, the fewest bytes.';
    }
    return this.without ? `JPEG, because ${this.without}.` : 'JPEG, as chosen.';
  }

  show(source) {
    clearTimeout(this.patience);
    this.source = source;
    this.video.hidden = source !== 'webrtc';
    this.image.hidden = source === 'webrtc';
    if (source === 'webrtc') {
      this.without = '';
      this.tell.playing('WebRTC', this.reason());
    }
  }

  jpeg() {
    this.show('jpeg');
    this.image.src = '/stream.mjpeg?' + Date.now();
  }

  retryJpeg() {
    this.retry = setTimeout(() => this.events && this.source === 'jpeg' && this.jpeg(), 2000);
  }

  noWebrtc(text) {
    if (this.peer) {
      this.peer.close();
      this.peer = null;
    }
    clearTimeout(this.patience);
    if (this.transport === 'auto') {
      this.without = text;
      this.jpeg();
    } else {
      this.tell.problem('No picture over WebRTC: ' + text + '.');
    }
  }

  async webrtc() {
    if (!window.RTCPeerConnection) {
      throw new Error('this browser has no WebRTC');
    }
    const peer = new RTCPeerConnection();
    this.peer = peer;
    const late = () => this.noWebrtc('no picture came over WebRTC in time');
    this.patience = setTimeout(late, PATIENCE);
    peer.addTransceiver('video', {direction: 'recvonly'});
    peer.ontrack = (event) => {
      this.video.srcObject = new MediaStream([event.track]);
      this.video.play().catch(() => {});
    };
    peer.onconnectionstatechange = () => {
      if (peer === this.peer && peer.connectionState === 'failed') {
        this.noWebrtc('the WebRTC connection failed');
      }
    };
    await peer.setLocalDescription();
    const answer = await fetch('/webrtc?page=' + encodeURIComponent(this.page), {
      method: 'POST',
      headers: {'Content-Type': 'application/sdp'},
      body: peer.localDescription.sdp,
    });
    if (!answer.ok) {
      throw new Error((await answer.json()).error);
    }
    if (peer === this.peer) {
      await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
    }
  }
}
