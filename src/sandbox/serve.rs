//! The HTTP side: requests in, faults done to them, answers out.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt, stream};

use super::answer::Answer;
use super::armed::Fate;
use super::body::{Body, MAX_BODY};
use super::cut::{Cut, CutListener};
use super::service::Incoming;
use super::world::Shared;

/// A body that is too large is still read so far, so that the client hears the refusal rather than a broken pipe.
const MAX_DISCARD: usize = 16 * 1024 * 1024;

/// What was cut off stays back so long, so that the head and the bytes before it are on their way.
const BEFORE_TRUNCATION: Duration = Duration::from_millis(20);

/// The whole service on one handler: paths are [`super::route`]'s.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(receive).with_state(shared)
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let Some(incoming) = read(request).await else {
        return hang_up(&cut);
    };
    // A task of its own: a request that has arrived is carried out even if its client does not wait for the answer.
    let task = tokio::spawn(handle(shared, incoming, cut.clone()));
    task.await.unwrap_or_else(|_| hang_up(&cut))
}

/// Reads a request to its end; none if the client did not send it all.
async fn read(request: Request) -> Option<Incoming> {
    let (parts, body) = request.into_parts();
    let text = |name: &HeaderName| header_text(&parts.headers, name);
    Some(Incoming {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text(&header::AUTHORIZATION),
        team_header: text(&HeaderName::from_static("x-honeycomb-team")),
        content_type: text(&header::CONTENT_TYPE),
        body: read_body(body).await?,
        method: parts.method,
    })
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

async fn read_body(body: HttpBody) -> Option<Body> {
    let mut chunks = body.into_data_stream();
    let (mut whole, mut length) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        length += chunk.len();
        if length <= MAX_BODY {
            whole.extend_from_slice(&chunk);
        } else if length > MAX_DISCARD {
            break;
        }
    }
    Some(if length <= MAX_BODY { Body::Whole(whole) } else { Body::TooLarge })
}

/// One request, with everything that goes wrong with it.
async fn handle(shared: Arc<Shared>, incoming: Incoming, cut: Cut) -> Response {
    if incoming.path == "/" {
        return respond(
            &shared,
            Answer::text(200, Some("text/plain; charset=utf-8"), GREETING.to_owned()),
            None,
        );
    }
    let (number, mishap) = shared.arrive(&incoming);
    pause(shared.latency).await;
    let carried_out = || {
        let answer = shared.carry_out(&incoming, &mishap.list);
        if mishap.duplicate {
            shared.carry_out(&incoming, &mishap.list);
        }
        answer
    };
    let canned = |canned| Some(shared.world().service.canned(canned, shared.clock.now()));
    let answer = match mishap.fate {
        Fate::Answered => carried_out(),
        Fate::DropBefore => None,
        Fate::DropAfter => {
            carried_out();
            None
        }
        Fate::Status(status) => canned(status),
        Fate::StatusAfter(status) => {
            carried_out();
            canned(status)
        }
        Fate::Late(delay) => {
            let (shared, incoming, list) = (Arc::clone(&shared), incoming.clone(), mishap.list);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                shared.carry_out(&incoming, &list);
            });
            None
        }
    };
    pause(mishap.slow).await;
    let Some(answer) = answer else {
        return hang_up(&cut);
    };
    shared.answered(number, answer.status);
    respond(&shared, answer, mishap.truncate)
}

/// Waits, and not at all for no time: a timer would round it up to a millisecond.
async fn pause(length: Duration) {
    if !length.is_zero() {
        tokio::time::sleep(length).await;
    }
}

const GREETING: &str = "This is the keycomb sandbox, an emulator of the Honeycomb Management API. \
Nothing here is real: no data leaves this machine, and its keys open nothing.\n";

/// The connection ends without an answer: the cut lets nothing of this one out.
fn hang_up(cut: &Cut) -> Response {
    cut.now();
    Response::new(HttpBody::empty())
}

fn respond(shared: &Shared, answer: Answer, truncate: Option<usize>) -> Response {
    let Answer { status, content_type, headers, body } = answer;
    let length = body.len();
    let mut response = Response::new(match truncate {
        Some(bytes) if bytes < length => truncated(body, bytes),
        _ => HttpBody::from(body),
    });
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    // Without this the server would tell the system's time, and ages would be reckoned from two clocks.
    let date = httpdate::fmt_http_date(SystemTime::from(shared.clock.now()));
    insert(out, header::DATE, &date);
    if status != 204 {
        insert(out, header::CONTENT_LENGTH, &length.to_string());
    }
    if let Some(content_type) = content_type {
        insert(out, header::CONTENT_TYPE, content_type);
    }
    for (name, value) in headers {
        insert(out, HeaderName::from_static(name), &value);
    }
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The first bytes, then an error that makes the server drop the connection.
fn truncated(mut body: Vec<u8>, bytes: usize) -> HttpBody {
    body.truncate(bytes);
    let first = stream::iter((bytes > 0).then(|| Ok(Bytes::from(body))));
    let end = stream::once(async {
        tokio::time::sleep(BEFORE_TRUNCATION).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    HttpBody::from_stream(first.chain(end))
}

/// The server, from a bound listener until the signal.
pub(super) async fn run(
    listener: CutListener,
    shared: Arc<Shared>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    let service = router(shared).into_make_service_with_connect_info::<Cut>();
    // It only ends by the signal, never by an error.
    axum::serve(listener, service).with_graceful_shutdown(stop).await.ok();
}
