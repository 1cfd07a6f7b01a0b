//! A run as a trace, at a collector in this process: what it has, whose child it is, and what is never in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;

use crate::team::{Ran, SAMPLE, Team};

/// A collector that answers every request with one status, and keeps what it got.
struct Collector {
    endpoint: String,
    got: Arc<Mutex<Vec<Got>>>,
}

struct Got {
    head: String,
    body: Vec<u8>,
}

impl Collector {
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || answer(&stream, status, &kept));
            }
        });
        Self { endpoint, got }
    }

    fn spans(&self) -> Vec<Span> {
        let got = self.got.lock().unwrap();
        got.iter().flat_map(|got| spans(&got.body)).collect()
    }

    /// Everything that came but the header that it was told to send.
    fn bytes(&self) -> Vec<u8> {
        let got = self.got.lock().unwrap();
        got.iter().flat_map(|got| [got.head.as_bytes(), &got.body].concat()).collect()
    }
}

fn answer(stream: &TcpStream, status: &str, kept: &Mutex<Vec<Got>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // First, so that it is there when the run has ended.
        kept.lock().unwrap().push(Got { head, body });
        let mut stream = stream;
        if write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

#[derive(Debug, Clone)]
struct Span {
    name: String,
    id: Vec<u8>,
    parent: Vec<u8>,
    trace: Vec<u8>,
    kind: i32,
    is_error: bool,
    attributes: BTreeMap<String, String>,
    resource: BTreeMap<String, String>,
}

impl Span {
    fn at(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn spans(body: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = texts(&of_resource.resource.unwrap().attributes);
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Span {
                name: span.name,
                id: span.span_id,
                parent: span.parent_span_id,
                trace: span.trace_id,
                kind: span.kind,
                is_error: span.status.is_some_and(|status| status.code == StatusCode::Error as i32),
                attributes: texts(&span.attributes),
                resource: resource.clone(),
            });
        }
    }
    spans
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(yes) => yes.to_string(),
        other => format!("{other:?}"),
    };
    let pair = |pair: &KeyValue| {
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text);
        (pair.key.clone(), value.unwrap_or_default())
    };
    attributes.iter().map(pair).collect()
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn traced(team: &Team, collector: &Collector, arguments: &[&str]) -> Command {
    let mut command = team.command(arguments);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=collector-canary")
        .env("TRACEPARENT", format!("00-{TRACE}-{PARENT}-01"));
    command
}

fn run(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found = named(spans, name);
    assert_eq!(found.len(), 1, "{name}: {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    found[0]
}

/// No secret that there is, and no header, in anything that the collector got.
fn assert_nothing_secret(team: &Team, collector: &Collector) {
    let bytes = collector.bytes();
    let key = team.sandbox.management_key();
    let identity = std::fs::read_to_string(&team.identity).unwrap();
    let identity = identity.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
    let mut secrets = vec![key.secret, identity.to_owned(), "Bearer".into(), "uthorization".into()];
    let truth = team.sandbox.truth();
    secrets.extend(truth.keys.iter().flat_map(|key| [key.secret.clone(), key.credential.clone()]));
    assert!(secrets.iter().all(|secret| secret.len() > 5));
    for secret in secrets {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the collector got {secret}");
    }
    let bodies = collector.got.lock().unwrap();
    for got in bodies.iter() {
        let canary = b"collector-canary";
        assert!(!got.body.windows(canary.len()).any(|window| window == canary));
    }
}

#[test]
fn a_run_is_a_trace_in_which_everything_is_whose_it_should_be() {
    let (team, collector) = (Team::new(), Collector::start("200 OK"));
    team.declare(SAMPLE);
    let ran = run(&mut traced(&team, &collector, &["apply", "--yes"])).exits(0);
    let spans = collector.spans();
    assert!(spans.iter().all(|span| hex(&span.trace) == TRACE), "{spans:?}");
    assert!(spans.iter().all(|span| span.resource["service.name"] == "keycomb"));

    let root = one(&spans, "keycomb apply");
    assert_eq!(hex(&root.parent), PARENT);
    assert_eq!((root.at("keycomb.exit"), root.at("keycomb.team")), ("0", "acme"));
    assert_eq!((root.at("keycomb.actions.done"), root.at("keycomb.actions.failed")), ("5", "0"));
    for phase in ["load", "read", "decide", "carry out"] {
        assert_eq!(one(&spans, phase).parent, root.id, "{phase}");
    }
    let carried = one(&spans, "carry out");
    let actions = named(&spans, "create");
    assert_eq!(actions.len(), 5);
    let addresses: BTreeSet<&str> = actions.iter().map(|action| action.at("keycomb.address")).collect();
    assert!(addresses.contains("key.staging.ci") && addresses.contains("environment.production"));
    for action in &actions {
        assert_eq!(action.parent, carried.id);
        assert_eq!((action.at("keycomb.verb"), action.at("keycomb.outcome")), ("create", "done"));
    }
    // Each secret is sealed within its own action; the file is folded within the phase.
    let of_actions = |span: &&&Span| actions.iter().any(|action| action.id == span.parent);
    let sealed = named(&spans, "seal");
    assert_eq!(sealed.iter().filter(of_actions).count(), 3);
    assert_eq!(sealed.iter().filter(|span| span.parent == carried.id).count(), 1);

    // One span for each request that the service got, named by its route.
    let calls: Vec<&Span> = spans.iter().filter(|span| span.kind == SpanKind::Client as i32).collect();
    let requests = team.sandbox.requests();
    assert_eq!(calls.len(), requests.len());
    for (method, route) in [("POST", "api-keys"), ("POST", "environments"), ("PATCH", "api-keys/{id}")] {
        let name = format!("{method} /2/teams/{{team}}/{route}");
        let writes = named(&spans, &name);
        let wanted = route.strip_suffix("/{id}").unwrap_or(route);
        let sent = requests.iter().filter(|r| r.method == method && r.path.contains(wanted)).count();
        assert_eq!(writes.len(), sent, "{name}");
        for call in writes {
            assert!(of_actions(&&call), "{name} is no action's");
            assert_eq!(call.at("http.request.method"), method);
            assert!(["200", "201"].contains(&call.at("http.response.status_code")), "{call:?}");
            assert_eq!(call.at("url.template"), format!("/2/teams/{{team}}/{route}"));
            assert!(call.at("url.full").starts_with(team.sandbox.endpoint()), "{call:?}");
            assert_eq!(call.at("server.address"), "127.0.0.1");
        }
    }
    assert_eq!(one(&spans, "GET /2/auth").parent, one(&spans, "load").id);
    assert!(
        named(&spans, "GET /2/teams/{team}/api-keys")
            .iter()
            .any(|call| call.parent == one(&spans, "read").id)
    );
    assert!(
        collector
            .got
            .lock()
            .unwrap()
            .iter()
            .all(|got| got.head.contains("x-collector-key: collector-canary"))
    );
    assert_nothing_secret(&team, &collector);
    // And nothing is different for who reads the output.
    assert_eq!(ran.stderr, "sealed: keycomb.sealed.toml\n");
}

#[test]
fn a_call_that_is_sent_again_is_a_span_of_its_own_that_says_so() {
    let (team, collector) = (Team::new(), Collector::start("200 OK"));
    team.declare(SAMPLE);
    team.sandbox.add_fault("status:GET:environments@1=503-html".parse().unwrap());
    run(&mut traced(&team, &collector, &["plan"])).exits(0);
    let spans = collector.spans();
    let calls = named(&spans, "GET /2/teams/{team}/environments");
    assert_eq!(calls.len(), 2, "{calls:?}");
    let (again, first): (Vec<&Span>, Vec<&Span>) =
        calls.into_iter().partition(|call| call.attributes.contains_key("http.request.resend_count"));
    assert_eq!(again[0].at("http.request.resend_count"), "1");
    assert_eq!((first[0].at("http.response.status_code"), first[0].at("error.type")), ("503", "503"));
    assert!(first[0].is_error && !again[0].is_error);
}

#[test]
fn what_failed_is_marked_with_its_reason_and_no_secret() {
    let (team, collector) = (Team::new(), Collector::start("200 OK"));
    team.declare(SAMPLE);
    team.sandbox.add_fault("status:POST:api-keys@2=422-jsonapi".parse().unwrap());
    run(&mut traced(&team, &collector, &["apply", "--yes"])).exits(7);
    let spans = collector.spans();
    let root = one(&spans, "keycomb apply");
    assert!(root.is_error);
    assert_eq!((root.at("keycomb.exit"), root.at("keycomb.actions.failed")), ("7", "1"));
    let failed: Vec<&Span> = spans.iter().filter(|span| span.at("keycomb.outcome") == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].is_error && failed[0].at("keycomb.why").contains("422"), "{failed:?}");
    assert!(spans.iter().flat_map(|span| span.attributes.values()).all(|text| text.len() < 2_000));
    assert_nothing_secret(&team, &collector);

    let refused = Collector::start("200 OK");
    let mut command = traced(&team, &refused, &["plan"]);
    run(command.env("HONEYCOMB_KEY_SECRET", "wrong-canary")).exits(4);
    let spans = refused.spans();
    assert_eq!(one(&spans, "keycomb plan").at("keycomb.exit"), "4");
    let call = one(&spans, "GET /2/auth");
    assert!(call.is_error && call.at("http.response.status_code") == "401");
    let bytes = refused.bytes();
    assert!(!String::from_utf8_lossy(&bytes).contains("wrong-canary"));
    assert_nothing_secret(&team, &refused);
}

#[test]
fn what_was_interrupted_is_a_trace_too() {
    let (team, collector) = (Team::new(), Collector::start("200 OK"));
    team.declare(SAMPLE);
    team.sandbox.add_fault("slow:POST:api-keys=600ms".parse().unwrap());
    let mut command = traced(&team, &collector, &["apply", "--yes"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..1000 {
        if team.sandbox.requests().iter().any(|r| r.method == "POST" && r.path.contains("environments")) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(150));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    Ran::from(child.wait_with_output().unwrap()).exits(130);
    let spans = collector.spans();
    assert_eq!(one(&spans, "keycomb apply").at("keycomb.exit"), "130");
    let ids: BTreeSet<&[u8]> = spans.iter().map(|span| span.id.as_slice()).collect();
    // No span's parent is missing: nothing was left open.
    let is_known = |span: &Span| ids.contains(span.parent.as_slice()) || hex(&span.parent) == PARENT;
    assert!(spans.iter().all(is_known), "{spans:?}");
    assert_nothing_secret(&team, &collector);
}

#[test]
fn no_collector_and_one_that_refuses_or_hangs_change_nothing_but_a_line_with_v() {
    let team = Team::new();
    team.declare(SAMPLE);
    let plain = team.run(&["plan"]).exits(0);
    // One that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_endpoint = format!("http://{}", silent.local_addr().unwrap());
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let refusing = Collector::start("401 Unauthorized");
    for (endpoint, why) in [
        (&gone, "the collector cannot be reached"),
        (&refusing.endpoint, "the collector answered 401"),
        (&silent_endpoint, "no trace was sent: "),
        (&"not an address".to_owned(), "the endpoint is no address"),
    ] {
        for (verbose, is_told) in [(&["plan"][..], false), (&["plan", "-v"], true)] {
            let mut command = team.command(verbose);
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
            let ran = run(command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=collector-canary")).exits(0);
            assert_eq!(ran.stdout, plain.stdout, "{endpoint}");
            assert_eq!(ran.stderr.contains(why), is_told, "{endpoint}: {}", ran.stderr);
            assert!(!ran.stderr.contains("collector-canary"), "{}", ran.stderr);
            assert!(is_told || ran.stderr == plain.stderr, "{}", ran.stderr);
        }
    }
    let mut command = team.command(&["plan", "-vv"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &refusing.endpoint);
    let ran = run(command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=collector-canary")).exits(0);
    assert!(!ran.stderr.contains("collector-canary"), "{}", ran.stderr);
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    let team = Team::new();
    team.declare(SAMPLE);
    let collector = Collector::start("200 OK");
    for variables in [
        &[("OTEL_SDK_DISABLED", "true")][..],
        &[("OTEL_TRACES_EXPORTER", "none")],
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        &[("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")],
    ] {
        let mut command = traced(&team, &collector, &["plan"]);
        run(command.envs(variables.iter().copied())).exits(0);
        assert_eq!(collector.got.lock().unwrap().len(), 0, "{variables:?}");
    }
    let mut command = traced(&team, &collector, &["check"]);
    command.env("OTEL_SERVICE_NAME", "deploy").env("OTEL_RESOURCE_ATTRIBUTES", "team.name=platform");
    run(command.env_remove("TRACEPARENT")).exits(0);
    let spans = collector.spans();
    let root = one(&spans, "keycomb check");
    assert!(root.parent.is_empty());
    assert_eq!(
        (root.resource["service.name"].as_str(), root.resource["team.name"].as_str()),
        ("deploy", "platform")
    );
}

#[test]
fn verbose_lines_are_the_same_with_and_without_a_trace() {
    let team = Team::new();
    team.declare(SAMPLE);
    let collector = Collector::start("200 OK");
    let lines = |ran: &Ran| -> Vec<String> {
        let bare = |line: &str| line.split_once("Z ").map_or(line, |(_, rest)| rest).to_owned();
        ran.stderr.lines().map(bare).filter(|line| !line.contains("call ")).collect()
    };
    let plain = run(team.command(&["plan", "-v"]).env("A", "b"));
    let with = run(&mut traced(&team, &collector, &["plan", "-v"]));
    assert_eq!(lines(&plain), lines(&with));
}
