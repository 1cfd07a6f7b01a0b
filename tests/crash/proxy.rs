//! A proxy between the binary and a sandbox: counts requests by what they are, and at a chosen stage of a chosen one
//! goes dead, for the harness to kill the binary.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::point::{Stage, Stop};

/// Listens on one port for as long as its bench lives: the sealed file remembers the endpoint.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    hits: Receiver<()>,
}

struct Shared {
    state: Mutex<State>,
    hit: Mutex<Sender<()>>,
    /// Ends a pause.
    go_on: Notify,
}

#[derive(Default)]
struct State {
    upstream: Option<SocketAddr>,
    /// The requests of the present run, in the order of arrival.
    seen: Vec<String>,
    counts: BTreeMap<String, usize>,
    /// The provisional names in them under which keys were asked for.
    names: Vec<String>,
    stop: Option<Stop>,
    /// The request waits at its stage and then goes on, instead of being the last.
    pauses: bool,
    /// Only the connection ends at the stage, not the run.
    cuts: bool,
    /// Nothing of the present run passes any more.
    dead: bool,
    /// Which run it is: what is left of an earlier one no longer counts.
    run: usize,
    /// A whole request that was kept back.
    held: Option<Vec<u8>>,
}

impl Proxy {
    pub fn start(runtime: &Handle) -> Self {
        let (hit, hits) = channel();
        let shared = Arc::new(Shared { state: Mutex::default(), hit: Mutex::new(hit), go_on: Notify::new() });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                // A connection that breaks is what this is for.
                tokio::spawn(async move { serve(client, &shared).await.unwrap_or_default() });
            }
        });
        Self { address, shared, hits }
    }

    /// From here on it is another run, towards `upstream`.
    pub fn begin(&self, upstream: SocketAddr, stop: Option<Stop>) {
        let mut state = self.shared.state.lock().unwrap();
        let run = state.run + 1;
        *state = State { upstream: Some(upstream), stop, run, ..State::default() };
        while self.hits.try_recv().is_ok() {}
    }

    /// As [`Self::begin`]; the chosen request, as it arrives, only waits for [`Self::go_on`].
    pub fn begin_with_pause(&self, upstream: SocketAddr, at: Stop) {
        self.begin(upstream, Some(at));
        self.shared.state.lock().unwrap().pauses = true;
    }

    /// As [`Self::begin`]; at the chosen stage the connection breaks, once, and the run goes on.
    pub fn begin_with_cut(&self, upstream: SocketAddr, at: Stop) {
        self.begin(upstream, Some(at));
        self.shared.state.lock().unwrap().cuts = true;
    }

    /// Another request waits as well, while the first does.
    pub fn pause_also(&self, at: Stop) {
        self.shared.state.lock().unwrap().stop = Some(at);
    }

    /// Those that wait go on one by one, the first first.
    pub fn go_on(&self) {
        self.shared.go_on.notify_one();
    }

    /// Whether the chosen stage was reached, waiting a moment for it.
    pub fn is_hit(&self, wait: Duration) -> bool {
        self.hits.recv_timeout(wait).is_ok()
    }

    /// What was asked in this run, in its order.
    pub fn seen(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().seen.clone()
    }

    /// Under which names keys were asked for in this run.
    pub fn names(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().names.clone()
    }

    /// Sends a request on that was kept back, and waits for its answer.
    pub fn deliver_late(&self, runtime: &Handle) {
        let (held, upstream) = {
            let mut state = self.shared.state.lock().unwrap();
            (state.held.take(), state.upstream)
        };
        let Some(held) = held else { return };
        runtime.block_on(async {
            let mut server = TcpStream::connect(upstream.unwrap()).await.unwrap();
            server.write_all(&held).await.unwrap();
            read_message(&mut server, &mut Vec::new()).await.unwrap();
        });
    }
}

async fn serve(mut client: TcpStream, shared: &Shared) -> Option<()> {
    let (upstream, run) = {
        let state = shared.state.lock().unwrap();
        (state.upstream?, state.run)
    };
    let mut server = TcpStream::connect(upstream).await.ok()?;
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    loop {
        let request = read_message(&mut client, &mut from_client).await?;
        let stage = shared.arrived(&request, run)?;
        match stage {
            Some(Stage::Arrived) if shared.pauses() => {
                shared.hit.lock().unwrap().send(()).ok();
                shared.go_on.notified().await;
                server.write_all(&request).await.ok()?;
            }
            Some(Stage::Arrived) => return shared.die(run, Some(request)),
            Some(Stage::HalfSent) => {
                server.write_all(&request[..request.len() / 2]).await.ok()?;
                return shared.die(run, None);
            }
            _ => server.write_all(&request).await.ok()?,
        }
        let answer = read_message(&mut server, &mut from_server).await?;
        match stage {
            Some(Stage::CarriedOut) => return shared.die(run, None),
            Some(Stage::HalfAnswered) => {
                client.write_all(&answer[..answer.len() / 2]).await.ok()?;
                shared.die(run, None);
                // What was sent must arrive before the connection ends.
                tokio::time::sleep(Duration::from_millis(50)).await;
                return None;
            }
            _ => client.write_all(&answer).await.ok()?,
        }
        if stage == Some(Stage::Answered) {
            shared.die(run, None);
            tokio::time::sleep(Duration::from_millis(50)).await;
            return None;
        }
    }
}

impl Shared {
    /// Counts a request. The stage at which the run is to end, if it is with this one; `None` when it has ended.
    fn arrived(&self, request: &[u8], run: usize) -> Option<Option<Stage>> {
        let mut state = self.state.lock().unwrap();
        if state.dead || state.run != run {
            return None;
        }
        let class = class(request);
        state.seen.push(class.clone());
        state.names.extend(name_asked_for(&class, request));
        let count = state.counts.entry(class.clone()).or_default();
        *count += 1;
        let count = *count;
        let is_it = |stop: &&Stop| stop.class == class && stop.number == count;
        Some(state.stop.as_ref().filter(is_it).map(|stop| stop.stage))
    }

    fn pauses(&self) -> bool {
        self.state.lock().unwrap().pauses
    }

    fn die(&self, run: usize, held: Option<Vec<u8>>) -> Option<()> {
        let mut state = self.state.lock().unwrap();
        if state.run == run {
            (state.dead, state.held) = (!state.cuts, held);
            self.hit.lock().unwrap().send(()).ok();
        }
        None
    }
}

/// What a request is: `POST:keys`, `PATCH:key`, `GET:environments`, `GET:auth2`.
fn class(request: &[u8]) -> String {
    let head = String::from_utf8_lossy(request);
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let what = match parts.as_slice() {
        ["1", "auth"] => "auth1",
        ["2", "auth"] => "auth2",
        [_, _, _, "api-keys"] => "keys",
        [_, _, _, "api-keys", _] => "key",
        [_, _, _, "environments"] => "environments",
        [_, _, _, "environments", _] => "environment",
        _ => "other",
    };
    format!("{method}:{what}")
}

fn name_asked_for(class: &str, request: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(request);
    let name = text.find("keycomb-pending.").filter(|_| class == "POST:keys").map(|at| &text[at..])?;
    Some(name.split('"').next()?.to_owned())
}

/// One whole HTTP/1.1 message, byte for byte; `None` at the end of the connection.
async fn read_message(from: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(length) = message_length(buffer) {
            let rest = buffer.split_off(length);
            return Some(std::mem::replace(buffer, rest));
        }
        if from.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// The length of the message that a buffer begins with, once all of it is there.
fn message_length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
    if header("transfer-encoding:").is_some_and(|coding| coding.contains("chunked")) {
        let end = buffer[head..].windows(5).position(|five| five == b"0\r\n\r\n")?;
        return Some(head + end + 5);
    }
    let body: usize = header("content-length:").map_or(0, |length| length.parse().unwrap());
    (buffer.len() >= head + body).then_some(head + body)
}
