//! A server that plays a script: one answer per request, byte for byte.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Which connection it came on, from 0.
    pub connection: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// A query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&format!("http://x{}", self.target)).unwrap();
        url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
    }
}

/// What is written back.
#[derive(Debug, Clone)]
pub struct Reply {
    head: String,
    body: Vec<u8>,
    delay: Duration,
    framing: Framing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    /// `Content-Length` says so many bytes more than there are.
    Short(usize),
    UntilClose,
    /// As `Length`; then the connection is closed, as one that is idle for too long.
    ThenClosed,
    /// Nothing is written at all.
    Cut,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let date = httpdate::fmt_http_date(SystemTime::now());
        let head = format!("HTTP/1.1 {status} X\r\ndate: {date}\r\ncontent-type: {content_type}\r\n");
        Self { head, body: body.into(), delay: Duration::ZERO, framing: Framing::Length }
    }

    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "application/vnd.api+json", body)
    }

    pub fn no_content() -> Self {
        Self { head: "HTTP/1.1 204 X\r\n".into(), framing: Framing::UntilClose, ..Self::json(204, "") }
    }

    pub fn cut() -> Self {
        Self { framing: Framing::Cut, ..Self::json(200, "") }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn without_date(mut self) -> Self {
        self.head =
            self.head.lines().filter(|l| !l.starts_with("date:")).map(|l| format!("{l}\r\n")).collect();
        self
    }

    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub fn chunked(self) -> Self {
        Self { framing: Framing::Chunked, ..self }
    }

    pub fn short_of(self, missing: usize) -> Self {
        Self { framing: Framing::Short(missing), ..self }
    }

    pub fn until_close(self) -> Self {
        Self { framing: Framing::UntilClose, ..self }
    }

    pub fn then_closed(self) -> Self {
        Self { framing: Framing::ThenClosed, ..self }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        let mut body = self.body.clone();
        match self.framing {
            Framing::Length | Framing::ThenClosed => {
                bytes.extend(format!("content-length: {}\r\n", body.len()).into_bytes());
            }
            Framing::Short(missing) => {
                bytes.extend(format!("content-length: {}\r\n", body.len() + missing).into_bytes());
            }
            Framing::Chunked => {
                bytes.extend(b"transfer-encoding: chunked\r\n");
                let size = format!("{:x}\r\n", body.len()).into_bytes();
                body = [&size[..], &body, b"\r\n0\r\n\r\n"].concat();
            }
            Framing::UntilClose | Framing::Cut => {}
        }
        bytes.extend(b"\r\n");
        bytes.extend(body);
        bytes
    }

    fn ends_connection(&self) -> bool {
        !matches!(self.framing, Framing::Length | Framing::Chunked)
    }
}

type Script = Arc<Mutex<dyn FnMut(&Request) -> Reply + Send>>;

/// A server on this machine; stops when dropped.
pub struct Server {
    pub endpoint: String,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers each request as `script` says.
    pub async fn start(script: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        Self::listen(Arc::new(Mutex::new(script)), None).await
    }

    /// Answers one request after the other from `replies`, then 599.
    pub async fn playing(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        Self::start(move |_| replies.pop_front().unwrap_or_else(|| Reply::json(599, "the script is over")))
            .await
    }

    /// The same over TLS.
    pub async fn playing_tls(tls: TlsAcceptor, reply: Reply) -> Self {
        Self::listen(Arc::new(Mutex::new(move |_: &Request| reply.clone())), Some(tls)).await
    }

    async fn listen(script: Script, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = if tls.is_some() {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        };
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (kept, count) = (Arc::clone(&requests), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = count.fetch_add(1, Ordering::SeqCst);
                let (script, kept, tls) = (Arc::clone(&script), Arc::clone(&kept), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, connection, &script, &kept).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, connection, &script, &kept).await;
                            }
                        }
                    }
                });
            }
        });
        Self { endpoint, requests, connections, task }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Method and target of each request.
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    connection: usize,
    script: &Script,
    kept: &Mutex<Vec<Request>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream, connection).await {
        let reply = (script.lock().unwrap())(&request);
        kept.lock().unwrap().push(request);
        tokio::time::sleep(reply.delay).await;
        if reply.framing == Framing::Cut || stream.write_all(&reply.bytes()).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
        if reply.ends_connection() {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut BufReader<S>, connection: usize) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut parts = line.split_whitespace();
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(n, _)| n == "content-length").map_or(0, |(_, v)| v.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { method, target, headers, body: String::from_utf8(body).unwrap(), connection })
}
