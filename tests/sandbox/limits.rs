//! Items 57 and 58: budgets and the headers that tell them.

use std::time::Duration;

use keycomb::sandbox::{RateLimit, RetryAfterForm};
use serde_json::json;

use crate::lab::{
    ENVIRONMENTS, KEYS, Lab, START, environment_body, environment_path, fault, key_body, key_patch, key_path,
};
use crate::reply::Reply;

async fn with_limit(limit: &str) -> Lab {
    Lab::with(|options| options.rate_limit = Some(limit.parse::<RateLimit>().unwrap())).await
}

/// (limit, remaining, reset) of the `RateLimit` header.
#[track_caller]
fn budget(reply: &Reply) -> (u32, u32, u32) {
    let header = reply.header("ratelimit").unwrap_or_else(|| panic!("no `RateLimit`: {}", reply.shown()));
    let mut numbers = header.split(", ").zip(["limit=", "remaining=", "reset="]).map(|(part, name)| {
        let number =
            part.strip_prefix(name).unwrap_or_else(|| panic!("`{header}`: `{name}` is expected in `{part}`"));
        number.parse().unwrap_or_else(|_| panic!("`{header}`: `{number}` is no number"))
    });
    let found = (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap());
    assert_eq!(header, format!("limit={}, remaining={}, reset={}", found.0, found.1, found.2));
    found
}

#[tokio::test]
async fn item_57_which_answers_carry_the_headers() {
    let lab = with_limit("12/60s").await;
    let environment = lab.environment("Production").await;
    let created = lab.ingest_key(&environment, "collector").await;
    let credential = format!("{}{}", created.id(), created.secret());
    let nobody = lab.sandbox.add_management_key(&[], false);
    let mut with = vec![
        created.clone(),
        lab.get("/2/auth").await.expect(200),
        lab.auth_v1(&credential).await.expect(200),
        lab.get(KEYS).await.expect(200),
        lab.get(&key_path(&created.id())).await.expect(200),
        lab.patch(&key_path(&created.id()), key_patch(&created.id(), json!({ "name": "b" })))
            .await
            .expect(200),
        lab.post(ENVIRONMENTS, environment_body(json!({ "name": "Staging" }))).await.expect(201),
        lab.call("POST", KEYS)
            .header("Content-Type", "application/vnd.api+json")
            .body("{")
            .send()
            .await
            .expect(400),
        lab.get(&key_path("hcxik_00000000000000000000000000")).await.expect(404),
        lab.delete(&environment_path(&environment)).await.expect(409),
        lab.post(ENVIRONMENTS, environment_body(json!({}))).await.expect(422),
        lab.get(&format!("{KEYS}?page[size]=0")).await.expect(422),
        lab.delete(&key_path(&created.id())).await.expect(204),
    ];
    let mut last = lab.get(KEYS).await;
    for _ in 0..12 {
        last = lab.get(KEYS).await;
    }
    with.push(last.expect(429));
    for reply in with {
        let (limit, remaining, reset) = budget(&reply);
        assert_eq!(limit, 12);
        assert!(remaining < 12 && reset <= 60, "{}", reply.shown());
        assert_eq!(reply.header("ratelimit-policy"), Some("12;w=60"), "{}", reply.shown());
        assert_eq!(reply.header("ratelimitpolicy"), None);
        assert_eq!(reply.header("retry-after").is_some(), reply.status == 429, "{}", reply.shown());
    }

    let nobody = format!("Bearer {}:{}", nobody.id, nobody.secret);
    let without = [
        lab.bare("GET", KEYS).send().await.expect(401),
        lab.bare("GET", "/1/auth").send().await.expect(401),
        lab.bare("GET", ENVIRONMENTS).header("Authorization", &nobody).send().await.expect(403),
        lab.call("POST", ENVIRONMENTS)
            .header("Content-Type", "application/vnd.api+json")
            .body("x".repeat(100_001))
            .send()
            .await
            .expect(413),
        lab.call("POST", ENVIRONMENTS)
            .header("Content-Type", "text/plain")
            .body("{}")
            .send()
            .await
            .expect(415),
    ];
    lab.sandbox.add_fault(fault("status=500-jsonapi"));
    let failed = lab.get("/2/auth").await.expect(500);
    for reply in without.into_iter().chain([failed]) {
        for name in ["ratelimit", "ratelimit-policy", "ratelimitpolicy", "retry-after"] {
            assert_eq!(reply.header(name), None, "`{name}` on {}", reply.shown());
        }
    }
}

#[tokio::test]
async fn item_57_switch_of_the_policy_header() {
    let lab = Lab::with(|options| {
        options.rate_limit = Some("2/90s".parse().unwrap());
        options.switches.policy_header_without_hyphen = true;
    })
    .await;
    for status in [200, 200, 429] {
        let reply = lab.get(KEYS).await.expect(status);
        assert_eq!(reply.header("ratelimitpolicy"), Some("2;w=90"));
        assert_eq!(reply.header("ratelimit-policy"), None);
    }
    // Without a limit the headers tell a large one.
    let lab = Lab::new().await;
    let reply = lab.get(KEYS).await.expect(200);
    let (limit, remaining, _) = budget(&reply);
    assert!(limit >= 100_000 && remaining >= limit - 1, "{}", reply.shown());
    assert_eq!(reply.header("ratelimit-policy"), Some(format!("{limit};w=60").as_str()));
}

#[tokio::test]
async fn item_57_the_numbers_count_down() {
    let lab = with_limit("5/60s").await;
    let (_, remaining, reset) = budget(&lab.get(KEYS).await);
    assert_eq!((remaining, reset), (4, 60));
    lab.clock.advance(Duration::from_secs(10));
    assert_eq!(budget(&lab.get(KEYS).await), (5, 3, 50));
    lab.clock.advance(Duration::from_millis(500));
    assert_eq!(budget(&lab.get(KEYS).await), (5, 2, 49), "whole seconds, truncated");
    // A refused request spends nothing of the next window, whatever was asked in this one.
    for remaining in [1, 0, 0, 0] {
        assert_eq!(budget(&lab.get(KEYS).await).1, remaining);
    }
    lab.clock.advance(Duration::from_millis(49_500));
    assert_eq!(budget(&lab.get(KEYS).await.expect(200)).1, 4, "refilled whole");
}

#[tokio::test]
async fn item_58_over_the_limit() {
    let lab = with_limit("3/60s").await;
    let environment = lab.environment("Production").await;
    let body = |name: &str| key_body(&environment, json!({ "key_type": "ingest", "name": name }));
    let mut id = String::new();
    for name in ["a", "b", "c"] {
        id = lab.post(KEYS, body(name)).await.expect(201).id();
    }
    let before = lab.sandbox.truth();
    let refused = [
        lab.post(KEYS, body("d")).await,
        lab.patch(&key_path(&id), key_patch(&id, json!({ "name": "d" }))).await,
        lab.delete(&key_path(&id)).await,
    ];
    for reply in refused {
        let reply = reply.expect(429);
        assert_eq!(reply.code(), "rate-limited/may-retry");
        assert_eq!(reply.text_at("/errors/0/title"), "request rate limit exceeded");
        assert!(reply.text_at("/errors/0/detail").contains("2026-03-01T08:16:00Z"), "{}", reply.shown());
        assert_eq!(reply.header("retry-after"), Some("Sun, 01 Mar 2026 08:16:00 GMT"));
        assert_eq!(budget(&reply).1, 0);
    }
    assert_eq!(lab.sandbox.truth(), before, "no side effect");

    // Reads of the collection and the other collection have budgets of their own.
    for _ in 0..3 {
        lab.get(KEYS).await.expect(200);
        lab.get(ENVIRONMENTS).await.expect(200);
    }
    lab.get(KEYS).await.expect(429);
    lab.get(&key_path(&id)).await.expect(429);
    lab.get(ENVIRONMENTS).await.expect(429);
    for name in ["x", "y"] {
        lab.environment(name).await;
    }
    lab.post(ENVIRONMENTS, environment_body(json!({ "name": "z" }))).await.expect(429);

    // The budget is the team's, not the key's.
    let other = lab.sandbox.add_management_key(&["api-keys:read"], false);
    let call =
        lab.bare("GET", KEYS).header("Authorization", &format!("Bearer {}:{}", other.id, other.secret));
    call.send().await.expect(429);

    lab.clock.advance(Duration::from_millis(59_999));
    lab.post(KEYS, body("d")).await.expect(429);
    lab.clock.advance(Duration::from_millis(1));
    for name in ["d", "e", "f"] {
        lab.post(KEYS, body(name)).await.expect(201);
    }
    lab.post(KEYS, body("g")).await.expect(429);
}

#[tokio::test]
async fn item_58_forms_of_retry_after() {
    for (form, expected) in [
        (RetryAfterForm::HttpDate, Some("Sun, 01 Mar 2026 08:16:00 GMT")),
        (RetryAfterForm::Seconds, Some("48")),
        (RetryAfterForm::Rfc3339, Some("2026-03-01T08:16:00Z")),
        (RetryAfterForm::Absent, None),
    ] {
        let lab = Lab::with(|options| {
            options.rate_limit = Some("1/60s".parse().unwrap());
            options.switches.retry_after = form;
        })
        .await;
        lab.clock.set(START.parse().unwrap());
        lab.get(KEYS).await.expect(200);
        lab.clock.advance(Duration::from_secs(12));
        let reply = lab.get(KEYS).await.expect(429);
        assert_eq!(reply.header("retry-after"), expected);
        assert_eq!(budget(&reply), (1, 0, 48));
    }
}

#[test]
fn item_58_a_limit_reads_as_text() {
    let limit: RateLimit = "100/60s".parse().unwrap();
    assert_eq!((limit.limit, limit.window), (100, Duration::from_secs(60)));
    for text in ["", "100", "100/", "/60s", "x/60s", "-1/60s", "100/60x", "100/-5s", "100/0s"] {
        assert!(text.parse::<RateLimit>().is_err(), "`{text}` is no limit");
    }
}
