//! Items 51 to 56: walking lists.

use std::collections::BTreeSet;

use serde_json::json;

use crate::lab::{ENVIRONMENTS, KEYS, Lab, key_path};

async fn with_keys(keys: usize) -> Lab {
    Lab::with(|options| options.keys = keys).await
}

async fn with_environments(environments: usize) -> Lab {
    Lab::with(|options| options.environments = environments).await
}

/// The value of a query parameter of a link, in either spelling of the brackets.
#[track_caller]
fn parameter(link: &str, name: &str) -> Option<String> {
    let base = url::Url::parse("http://localhost").unwrap();
    let url = base.join(link).unwrap_or_else(|error| panic!("link `{link}`: {error}"));
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn item_51_page_sizes() {
    let lab = with_keys(45).await;
    let first = lab.get(KEYS).await.expect(200);
    assert_eq!(first.ids().len(), 20, "20 is the default");
    assert_eq!(lab.get(&format!("{KEYS}?page[size]=5")).await.ids().len(), 5);
    assert_eq!(
        lab.get(&format!("{KEYS}?page%5Bsize%5D=5")).await.ids().len(),
        5,
        "percent-encoded brackets are the same"
    );
    assert_eq!(lab.get(&format!("{KEYS}?page[size]=1")).await.ids().len(), 1);
    assert_eq!(lab.get(&format!("{KEYS}?page[size]=100")).await.ids().len(), 45);
    let lab = with_environments(25).await;
    assert_eq!(lab.get(ENVIRONMENTS).await.ids().len(), 20);
    assert_eq!(lab.get(&format!("{ENVIRONMENTS}?page[size]=5")).await.ids().len(), 5);

    for (keys, size, pages) in
        [(45, 20, vec![20, 20, 5]), (250, 100, vec![100, 100, 50]), (7, 3, vec![3, 3, 1])]
    {
        let lab = with_keys(keys).await;
        let mut next = Some(format!("{KEYS}?page[size]={size}"));
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(path) = next {
            let page = lab.get(&path).await.expect(200);
            found.push(page.ids().len());
            seen.extend(page.ids());
            next = page.next();
        }
        assert_eq!(found, pages);
        assert_eq!(seen.len(), keys, "every key once");
    }
}

#[tokio::test]
async fn item_52_next_link() {
    let lab = with_keys(45).await;
    let first = lab.get(KEYS).await;
    let next = first.next().expect("there is more");
    assert!(next.starts_with("/2/teams/acme/api-keys?"), "root-relative: `{next}`");
    assert!(
        next.contains("page[after]=") && next.contains("page[size]="),
        "literal brackets by default: `{next}`"
    );
    assert_eq!(parameter(&next, "page[size]").as_deref(), Some("20"));
    assert!(parameter(&next, "page[after]").is_some_and(|cursor| !cursor.is_empty()));
    let sized = lab.get(&format!("{KEYS}?page[size]=7")).await.next().expect("there is more");
    assert_eq!(parameter(&sized, "page[size]").as_deref(), Some("7"));
    let environments = with_environments(3).await;
    let next = environments.get(&format!("{ENVIRONMENTS}?page[size]=2")).await.next().expect("there is more");
    assert!(next.starts_with("/2/teams/acme/environments?"), "`{next}`");

    // Null, and present, on every last page: a short one, an empty list, an exact multiple of the size.
    assert_eq!(lab.get(&format!("{KEYS}?page[size]=100")).await.at("/links/next"), &json!(null));
    let empty = Lab::new().await;
    for path in [KEYS, ENVIRONMENTS] {
        let page = empty.get(path).await.expect(200);
        assert_eq!(page.json, json!({ "data": [], "links": { "next": null } }));
    }
    for (keys, size) in [(20, 20), (40, 20), (10, 5), (100, 100)] {
        let lab = with_keys(keys).await;
        let mut path = format!("{KEYS}?page[size]={size}");
        for page in 1..=keys / size {
            let reply = lab.get(&path).await.expect(200);
            assert_eq!(reply.ids().len(), size);
            match reply.next() {
                Some(next) => path = next,
                None => assert_eq!(page, keys / size, "{keys} keys in pages of {size}"),
            }
            assert_eq!(
                reply.next().is_none(),
                page == keys / size,
                "{keys} keys in pages of {size}: page {page}"
            );
        }
    }
}

#[tokio::test]
async fn item_53_empty_cursor() {
    let lab = with_keys(25).await;
    let plain = lab.get(KEYS).await.expect(200);
    for path in [format!("{KEYS}?page[after]="), format!("{KEYS}?page[after]=&page[size]=20")] {
        assert_eq!(lab.get(&path).await.expect(200).json, plain.json);
    }
    let environments = with_environments(25).await;
    let plain = environments.get(ENVIRONMENTS).await.expect(200);
    assert_eq!(environments.get(&format!("{ENVIRONMENTS}?page[after]=")).await.expect(200).json, plain.json);
}

#[tokio::test]
async fn item_54_filter_by_type() {
    for kept in [true, false] {
        let lab = Lab::with(|options| {
            options.keys = 50;
            options.environments = 3;
            options.switches.filter_in_next = kept;
        })
        .await;
        let everything = lab.walk(&format!("{KEYS}?page[size]=100")).await;
        assert_eq!(everything.len(), 50);
        let mut of_both = BTreeSet::new();
        for kind in ["ingest", "configuration"] {
            let mut cursor = String::new();
            let mut ids = Vec::new();
            loop {
                let page = lab
                    .get(&format!("{KEYS}?filter[type]={kind}&page[size]=10&page[after]={cursor}"))
                    .await
                    .expect(200);
                for key in page.at("/data").as_array().unwrap() {
                    assert_eq!(key["attributes"]["key_type"], kind);
                }
                ids.extend(page.ids());
                let Some(next) = page.next() else { break };
                assert_eq!(parameter(&next, "filter[type]").as_deref(), kept.then_some(kind), "`{next}`");
                cursor = parameter(&next, "page[after]").expect("a next link has a cursor");
            }
            assert_eq!(ids.len(), 25, "half of the keys, each once");
            if kept {
                let by_links = lab.walk(&format!("{KEYS}?filter[type]={kind}&page[size]=10")).await;
                assert_eq!(by_links, ids, "the links alone lead to the same");
            }
            of_both.extend(ids);
        }
        assert_eq!(of_both, everything.into_iter().collect());
    }
}

#[tokio::test]
async fn item_55_bad_parameters() {
    let lab = with_keys(5).await;
    for query in [
        "page[size]=0",
        "page[size]=101",
        "page[size]=-1",
        "page[size]=ten",
        "page[size]=5.5",
        "page[size]=99999999999999999999",
        "page[after]=nonsense",
        "page[after]=%00",
    ] {
        lab.get(&format!("{KEYS}?{query}")).await.expect(422);
        lab.get(&format!("{ENVIRONMENTS}?{query}")).await.expect(422);
    }
    for filter in ["management", "Ingest", "ingest,configuration", "x"] {
        lab.get(&format!("{KEYS}?filter[type]={filter}")).await.expect(422);
    }
    // A cursor is taken as it was given, or not at all.
    let next = lab.get(&format!("{KEYS}?page[size]=2")).await.next().expect("there is more");
    let cursor = parameter(&next, "page[after]").expect("a next link has a cursor");
    let flipped = if cursor.ends_with('0') { "1" } else { "0" };
    for wrong in [
        format!("{}{flipped}", &cursor[..cursor.len() - 1]),
        cursor[..cursor.len() - 1].to_owned(),
        format!("{cursor}0"),
    ] {
        lab.get(&format!("{KEYS}?page[after]={wrong}")).await.expect(422);
    }
    // Names nobody knows are not parameters.
    assert_eq!(lab.get(&format!("{KEYS}?page[number]=2&sort=name")).await.expect(200).ids().len(), 5);
}

#[tokio::test]
async fn item_56_changes_during_a_walk() {
    let lab = with_keys(12).await;
    let all = lab.walk(&format!("{KEYS}?page[size]=100")).await;
    let environment = lab.get(ENVIRONMENTS).await.ids().remove(0);
    let first = lab.get(&format!("{KEYS}?page[size]=4")).await;
    assert_eq!(first.ids(), all[..4], "the order is the same for every page size");

    // One that was seen, the very one the cursor points at, and one that was not seen.
    for gone in [&all[1], &all[3], &all[6]] {
        lab.delete(&key_path(gone)).await.expect(204);
    }
    let created = lab.ingest_key(&environment, "new").await.id();
    let mut rest = lab.walk(&first.next().expect("there is more")).await;
    rest.retain(|id| *id != created);
    let expected: Vec<String> = all[4..].iter().filter(|&id| *id != all[6]).cloned().collect();
    assert_eq!(rest, expected, "no repeats, no gaps");
    let survivors = lab.walk(&format!("{KEYS}?page[size]=4")).await;
    assert_eq!(survivors.len(), 10);
    assert!(survivors.contains(&created));
}

#[tokio::test]
async fn item_56_brackets_in_links() {
    let plain = with_keys(9).await.walk(&format!("{KEYS}?page[size]=2")).await;
    let lab = Lab::with(|options| {
        options.keys = 9;
        options.switches.encode_brackets = true;
    })
    .await;
    let page = lab.get(&format!("{KEYS}?page[size]=2&filter[type]=ingest")).await.expect(200);
    let next = page.next().expect("there is more");
    for name in ["page%5Bafter%5D=", "page%5Bsize%5D=2", "filter%5Btype%5D=ingest"] {
        assert!(next.contains(name), "`{next}` has `{name}`");
    }
    assert!(!next.contains(['[', ']']), "`{next}`");
    assert_eq!(lab.walk(&format!("{KEYS}?page[size]=2")).await, plain, "the same walk in both spellings");
}
