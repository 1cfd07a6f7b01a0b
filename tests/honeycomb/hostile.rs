//! Answers that mean harm: bounded, told clearly, and never taken for what they are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keycomb::honeycomb::{Connection, Options, Patience};
use keycomb::model::KeyType;
use keycomb::ports::{Failure, OPEN, ReadLive, ServiceError, WriteLive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{QUICK, environment_body, key_body, one, options, page, reader, shown, writer};
use crate::server::{Reply, Request, Server};
use crate::writes::new_key;

const LIST: &str = "/2/teams/acme/environments";
const FRESH: &str = "s3crets3crets3crets3crets3cretsx";
const MEBIBYTE: usize = 1024 * 1024;

/// A server that sends `head`, then `piece` until the client goes away or a gibibyte is out; gives its endpoint and
/// how many bytes it got rid of.
async fn endless(head: String, piece: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while count.load(Ordering::SeqCst) < 1024 * MEBIBYTE && stream.write_all(piece).await.is_ok() {
                count.fetch_add(piece.len(), Ordering::SeqCst);
            }
        }
    });
    (endpoint, written)
}

/// What the kernel holds of a connection besides what was read.
const BUFFERS: usize = 16 * MEBIBYTE;

static BLANKS: [u8; 65_536] = [b' '; 65_536];
/// 64 KiB as one chunk of a chunked body.
static CHUNK: std::sync::LazyLock<Vec<u8>> =
    std::sync::LazyLock::new(|| [b"10000\r\n", &BLANKS[..], b"\r\n"].concat());

fn head(status: u16, more: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/vnd.api+json\r\n{more}\r\n\r\n")
}

async fn environments(endpoint: &str) -> ServiceError {
    let error = reader(endpoint).environments().await.unwrap_err();
    shown(&error);
    error
}

fn problem(error: &ServiceError) -> &str {
    match &error.failure {
        Failure::Unreadable { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_of_a_gibibyte_is_not_read() {
    let told = head(200, "content-length: 1073741824");
    for (head, piece) in [(told, &BLANKS[..]), (head(200, "transfer-encoding: chunked"), &CHUNK[..])] {
        let (endpoint, written) = endless(head, piece).await;
        assert_eq!(problem(&environments(&endpoint).await), "the body is longer than 8388608 bytes");
        let written = written.load(Ordering::SeqCst);
        assert!(written < 8 * MEBIBYTE + BUFFERS, "{written}");
    }
    let (endpoint, written) = endless(head(200, "connection: close"), &BLANKS).await;
    assert!(problem(&environments(&endpoint).await).contains("its end is unknown"));
    assert!(written.load(Ordering::SeqCst) < BUFFERS);
    let (endpoint, written) = endless(head(404, "transfer-encoding: chunked"), &CHUNK).await;
    assert_eq!(environments(&endpoint).await.failure.status(), Some(404));
    assert!(written.load(Ordering::SeqCst) < BUFFERS);
    let (endpoint, written) = endless(head(201, "transfer-encoding: chunked"), &CHUNK).await;
    let error = writer(&endpoint).create_key(&new_key(), OPEN).await.unwrap_err();
    assert_eq!(problem(&error), "the body is longer than 65536 bytes");
    assert!(written.load(Ordering::SeqCst) < BUFFERS);
}

#[tokio::test]
async fn a_compressed_body_is_never_unpacked() {
    for encoding in
        ["gzip", "GZIP", "br", "zstd", "deflate", "identity, gzip", "gzip\r\ncontent-encoding: identity", "x"]
    {
        let head = head(200, &format!("content-length: 1073741824\r\ncontent-encoding: {encoding}"));
        let (endpoint, written) = endless(head, b"\x1f\x8b\x08\0\0\0\0\0\0\0").await;
        let error = environments(&endpoint).await;
        assert_eq!(problem(&error), "the body is compressed, which was not asked for", "{encoding}");
        assert!(written.load(Ordering::SeqCst) < BUFFERS);
    }
    // An error's words are not unpacked either: its status says enough.
    let (endpoint, _) =
        endless(head(403, "content-length: 1073741824\r\ncontent-encoding: br"), &BLANKS).await;
    assert!(shown(&environments(&endpoint).await).ends_with("the service answered 403: Forbidden"));
}

/// One byte now and then, for ever.
async fn drip(mut stream: TcpStream, head: &'static [u8]) {
    let _ = stream.read(&mut [0; 4096]).await;
    let _ = stream.write_all(head).await;
    while stream.write_all(b" ").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_answer_a_byte_at_a_time_is_given_up() {
    let heads: [&'static [u8]; 4] = [
        b"",
        b"HTTP/1.1 200 X\r\nx:",
        b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n",
    ];
    for head in heads {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(drip(stream, head));
            }
        });
        // Each byte comes in time; all of them never do.
        let patience = Patience {
            read: Duration::from_secs(5),
            exchange: Duration::from_millis(300),
            tries: 2,
            ..QUICK
        };
        let connection = Connection::new(Options { patience, ..options(&endpoint) }).unwrap();
        let error = connection.reader().unwrap().environments().await.unwrap_err();
        assert!(matches!(error.failure, Failure::Unanswered(_)), "{error:?}");
        let error = connection.writer().unwrap().create_key(&new_key(), OPEN).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Unanswered(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Half-open: connected by the kernel, read by nobody.
    let patience = Patience {
        read: Duration::from_millis(200),
        exchange: Duration::from_millis(400),
        tries: 2,
        ..QUICK
    };
    let connection = Connection::new(Options { patience, ..options(&endpoint) }).unwrap();
    let error = connection.reader().unwrap().environments().await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unanswered(_)), "{error:?}");
    drop(listener);
}

#[tokio::test]
async fn json_made_to_exhaust_a_reader_is_refused() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let digits = "9".repeat(1_000_000);
    let bodies = [
        deep("[", "]"),
        deep(r#"{"data":"#, "}"),
        format!(r#"{{"data":{},"links":{{"next":null}}}}"#, deep("[", "]")),
        format!(r#"{{"data":[{{"id":{digits}}}],"links":{{"next":null}}}}"#),
        format!(r#"{{"data":[],"links":{{"next":{digits}}}}}"#),
        format!(r#"{{"data":[],"links":{{"next":1e{digits}}}}}"#),
        format!(r#"{{"data":[{}1],"links":{{"next":null}}}}"#, "1,".repeat(1_000_000)),
        format!(r#"{{"data":[{}{{}}],"links":{{"next":null}}}}"#, "{},".repeat(1_000_000)),
        format!("{}null", " ".repeat(1_000_000)),
    ];
    for body in bodies {
        let server = Server::playing([Reply::json(200, body.clone())]).await;
        let error = environments(&server.endpoint).await;
        assert!(problem(&error).len() < 200, "{error:?}");
        // The same as an error's body, which is read for its words.
        let server = Server::playing([Reply::json(400, body)]).await;
        assert!(shown(&environments(&server.endpoint).await).ends_with("400: Bad Request"));
    }
}

#[tokio::test]
async fn what_is_read_over_may_be_anything() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let item = environment_body("e")
        .replace(r#""slug""#, &format!(r#""x":{deep},"y":{},"slug""#, "9".repeat(1_000_000)));
    let server = Server::playing([Reply::json(200, page(&[item], "null"))]).await;
    let outcome = reader(&server.endpoint).environments().await;
    // Read over or refused: both are fine, a stack that overflows is not.
    assert!(
        outcome.as_ref().is_ok_and(|list| list.len() == 1) || outcome.is_err_and(|e| !problem(&e).is_empty())
    );
}

#[tokio::test]
async fn a_key_with_a_thousand_unknown_permissions_is_refused() {
    let permissions = |count: usize| {
        let list: Vec<_> = (0..count).map(|n| format!(r#""p{n}":true"#)).collect();
        page(
            &[key_body("k", "ingest", &format!(r#","permissions":{{{}}}"#, list.join(","))).replacen(
                r#""permissions":{"create_datasets":true},"#,
                "",
                1,
            )],
            "null",
        )
    };
    let server =
        Server::playing([Reply::json(200, permissions(1_000)), Reply::json(200, permissions(1_001))]).await;
    let reader = reader(&server.endpoint);
    assert_eq!(reader.keys(KeyType::Ingest).await.unwrap()[0].unknown_permissions.len(), 1_000);
    assert!(
        problem(&reader.keys(KeyType::Ingest).await.unwrap_err())
            .contains("`data[0].attributes.permissions`")
    );
}

#[tokio::test]
async fn text_that_is_none_is_refused() {
    let body = |name: &[u8]| {
        let whole = page(&[environment_body("e")], "null");
        let (before, after) = whole.split_once("Production").unwrap();
        [before.as_bytes(), name, after.as_bytes()].concat()
    };
    let broken: [&[u8]; 8] = [
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\\udc00\\ud800",
        b"\\ud800\\u0041",
        b"\x00",
        b"\n",
    ];
    for name in broken {
        let server = Server::playing([Reply::json(200, body(name)), Reply::json(400, body(name))]).await;
        let error = environments(&server.endpoint).await;
        assert!(problem(&error).starts_with("not "), "{error:?}");
        assert!(shown(&environments(&server.endpoint).await).ends_with("400: Bad Request"));
    }
    let server = Server::playing([Reply::json(200, [b"\xef\xbb\xbf".to_vec(), body(b"x")].concat())]).await;
    assert!(problem(&environments(&server.endpoint).await).starts_with("not JSON"));
}

#[tokio::test]
async fn a_cursor_that_comes_back_after_some_pages_is_an_error() {
    let server = Server::start(|request: &Request| {
        let next = match request.query("page[after]").as_deref() {
            None => "a",
            Some("a") => "b",
            Some("b") => "c",
            _ => "a",
        };
        Reply::json(200, page(&[], &format!(r#""{LIST}?page[after]={next}""#)))
    })
    .await;
    assert!(problem(&environments(&server.endpoint).await).contains("goes round in circles"));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn ten_thousand_empty_pages_are_the_most() {
    let mut number = 0;
    let server = Server::start(move |_| {
        number += 1;
        Reply::json(200, page(&[], &format!(r#""{LIST}?page[after]={number}""#)))
    })
    .await;
    assert_eq!(problem(&environments(&server.endpoint).await), "the list goes on after 10000 pages");
    assert_eq!(server.requests().len(), 10_000);
}

#[tokio::test]
async fn links_that_lead_away_reach_nobody() {
    let other = Server::playing([]).await;
    let authority = other.endpoint.trim_start_matches("http://").to_owned();
    for next in [
        format!("http://{authority}{LIST}?page[after]=a"),
        format!("https://{authority}{LIST}?page[after]=a"),
        format!("//{authority}{LIST}?page[after]=a"),
        format!(r"\\\\{authority}{LIST}?page[after]=a"),
        format!("http://user:password@{authority}{LIST}?page[after]=a"),
        format!("{LIST}@{authority}/?page[after]=a"),
        "javascript:alert(1)".to_owned(),
        "data:,x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "/2/teams/other/environments?page[after]=a".to_owned(),
        format!("{LIST}/../../../../x?page[after]=a"),
        format!("{LIST}#?page[after]=a"),
    ] {
        let server = Server::playing([Reply::json(200, page(&[], &format!("\"{next}\"")))]).await;
        let error = environments(&server.endpoint).await;
        assert!(problem(&error).starts_with("`links.next` "), "{next}: {error:?}");
        assert_eq!(server.requests().len(), 1, "{next}");
    }
    // Of one that leads back here only the cursor is taken, whatever it holds.
    let next = format!(r#""{LIST}?page[after]=%0d%0aX-Evil:%201%26x%3D%23&page[size]=1&x=y#z""#);
    let server =
        Server::playing([Reply::json(200, page(&[], &next)), Reply::json(200, page(&[], "null"))]).await;
    assert_eq!(reader(&server.endpoint).environments().await.unwrap(), []);
    assert_eq!(
        server.lines()[1],
        format!("GET {LIST}?page%5Bsize%5D=100&page%5Bafter%5D=%0D%0AX-Evil%3A+1%26x%3D%23")
    );
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn redirects_are_followed_nowhere_not_even_here() {
    let other = Server::playing([]).await;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for location in [
            format!("{}{LIST}", other.endpoint),
            LIST.to_owned(),
            "https://localhost:1/".into(),
            "\u{1}".into(),
        ] {
            let reply = || Reply::json(status, "").header("location", &location);
            let server = Server::playing([reply(), reply()]).await;
            let error = environments(&server.endpoint).await;
            if location != "\u{1}" {
                assert!(shown(&error).contains("redirects are not followed"), "{error}");
                assert_eq!(server.requests().len(), 1);
            }
            let server = Server::playing([reply(), reply()]).await;
            let error = writer(&server.endpoint).create_key(&new_key(), OPEN).await.unwrap_err();
            assert!(!error.failure.is_not_done(), "{error:?}");
            assert_eq!(server.requests().len(), 1, "a body must not be sent again");
        }
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn headers_of_nonsense_are_bounded_and_not_repeated() {
    let ok = || Reply::json(200, page(&[], "null"));
    for (name, value) in [
        ("ratelimit", "limit=18446744073709551615, remaining=99999999999999999999, reset=-1"),
        ("ratelimit", "limit=0, remaining=0, reset=abc, =, ;;;"),
        ("ratelimit-policy", "99999999999999999999;w=99999999999999999999, ;w=, x"),
        ("ratelimitpolicy", "\u{e9}\u{202e}"),
        ("retry-after", "99999999999999999999999"),
        ("x-request-id", "\u{9b}31m\u{202e}"),
        ("x-honeycomb-team", "hunter2hunter2"),
        ("content-type", "text/\u{e9}; charset=\""),
        ("set-cookie", "a=b"),
    ] {
        let server = Server::playing([ok().header(name, value), ok()]).await;
        let reader = reader(&server.endpoint);
        assert!(reader.environments().await.is_ok(), "{name}");
        assert!(reader.environments().await.is_ok(), "{name}");
        assert_eq!(server.requests()[1].header("cookie"), None);
        let server = Server::playing([Reply::json(400, "{}").header(name, value)]).await;
        let text = shown(&environments(&server.endpoint).await);
        assert!(text.chars().all(|c| (' '..='~').contains(&c)) && !text.contains("text/"), "{text:?}");
    }
    for (name, value, times) in
        [("x", "y".repeat(4 * MEBIBYTE), 1), ("x", "y".to_owned(), 10_000), ("date", "now".to_owned(), 500)]
    {
        let mut reply = ok();
        for _ in 0..times {
            reply = reply.header(name, &value);
        }
        let server = Server::start(move |_| reply.clone()).await;
        let error = environments(&server.endpoint).await;
        assert!(matches!(error.failure, Failure::Unanswered(_)), "{error:?}");
        assert!(shown(&error).len() < 300, "{error}");
    }
    for raw in [
        "HTTP/1.1 200 X\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 99 X\r\n\r\n",
        "HTTP/9 200\r\n\r\n",
        "\0\u{1b}]0;x\u{7}\n",
    ] {
        let (endpoint, _) = endless(raw.to_owned(), b"x").await;
        let error = environments(&endpoint).await;
        let text = shown(&error);
        assert!(text.len() < 300 && text.chars().all(|c| !c.is_control()), "{text:?}");
    }
}

fn minted() -> String {
    one(&key_body("hcxik_1", "ingest", &format!(r#","secret":"{FRESH}""#)))
}

#[tokio::test]
async fn a_201_cut_at_every_byte_is_never_taken_for_a_key() {
    let body = minted();
    let (whole, sent) = (body.len(), AtomicUsize::new(0));
    let server = Server::start(move |_| {
        let number = sent.fetch_add(1, Ordering::SeqCst);
        let (end, framing) = (number / 3, number % 3);
        let cut = Reply::json(201, &body.as_bytes()[..end]);
        match framing {
            0 => cut,
            1 => cut.chunked(),
            _ => cut.short_of(body.len() - end),
        }
    })
    .await;
    let writer = writer(&server.endpoint);
    for end in 0..whole * 3 {
        let error = writer.create_key(&new_key(), OPEN).await.unwrap_err();
        assert!(!error.failure.is_not_done(), "{end}: {error:?}");
        assert!(!format!("{} {error:?}", shown(&error)).contains("s3cret"), "{end}: {error:?}");
    }
    assert_eq!(server.requests().len(), whole * 3);
    for _ in 0..2 {
        assert_eq!(writer.create_key(&new_key(), OPEN).await.unwrap().secret.expose(), FRESH);
    }
}

#[tokio::test]
async fn a_201_that_says_a_thing_twice_is_refused_and_one_that_says_more_is_not() {
    let twice = |from: &str, to: &str| {
        let body = minted();
        assert!(body.contains(from), "{from}");
        body.replacen(from, to, 1)
    };
    let more = [
        twice(r#""disabled":true"#, r#""disabled":true,"time_to_live":"1h","x":[1,{"disabled":false}]"#),
        twice(r#"{"data":"#, r#"{"meta":{"secret":"other"},"included":[{"secret":"x"}],"data":"#),
    ];
    let doubled = [
        twice(r#"{"data":"#, r#"{"data":{},"data":"#),
        twice(r#""id":"hcxik_1""#, r#""id":"hcxik_2","id":"hcxik_1""#),
        twice(r#""name":"n""#, r#""name":"n","name":"m""#),
        twice(r#""key_type":"ingest""#, r#""key_type":"ingest","key_type":"ingest""#),
        twice(r#""disabled":true"#, r#""disabled":true,"disabled":false"#),
        twice(r#""environment":{"#, r#""environment":{"data":{"id":"x"}},"environment":{"#),
        twice(r#","secret":"#, r#","secret":"other","secret":"#),
    ];
    for (bodies, accepted) in [(&more[..], true), (&doubled[..], false)] {
        for body in bodies {
            let server = Server::playing([Reply::json(201, body.as_str())]).await;
            let made = writer(&server.endpoint).create_key(&new_key(), OPEN).await;
            match made {
                Ok(made) => assert!(accepted && made.secret.expose() == FRESH && made.key.disabled, "{body}"),
                Err(error) => assert!(!accepted && !shown(&error).contains("s3cret"), "{body}: {error}"),
            }
            assert_eq!(server.requests().len(), 1);
        }
    }
}
