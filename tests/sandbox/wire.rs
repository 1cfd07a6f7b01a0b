//! A raw TCP exchange, for what an HTTP client hides: cut connections and short bodies.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lab::Lab;

/// What came over the wire before the sandbox closed it.
pub struct Wire {
    pub head: String,
    pub body: Vec<u8>,
}

impl Wire {
    /// The `Content-Length` it promised.
    pub fn promised(&self) -> Option<usize> {
        self.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().expect("a length is a number"))
        })
    }

    /// Whether a whole answer arrived.
    pub fn is_whole(&self) -> bool {
        !self.head.is_empty() && self.promised() == Some(self.body.len())
    }
}

/// Sends one request with the management key and reads until the sandbox closes the connection.
pub async fn exchange(lab: &Lab, method: &str, path: &str, body: &str) -> Wire {
    let address =
        lab.sandbox.endpoint().strip_prefix("http://").expect("the endpoint is plain HTTP").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {}\r\nContent-Type: application/vnd.api+json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        lab.bearer(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A reset instead of an orderly end is one way to cut a connection; what came before it counts.
    let _ = stream.read_to_end(&mut bytes).await;
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    match split {
        Some(at) => {
            Wire { head: String::from_utf8(bytes[..at].to_vec()).unwrap(), body: bytes[at + 4..].to_vec() }
        }
        None => Wire { head: String::new(), body: bytes },
    }
}
