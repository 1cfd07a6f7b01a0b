//! Lists, changed item by item: what stays keeps its place and its comments.

use toml_edit::{Array, RawString, Value};

/// Takes out what is not in `items`, and adds at the end what is new.
pub(super) fn change(list: &mut Array, items: &[String]) {
    let is_wanted = |value: Option<&Value>| {
        value.and_then(Value::as_str).is_some_and(|text| items.iter().any(|i| i == text))
    };
    for at in (0..list.len()).rev() {
        if !is_wanted(list.get(at)) {
            remove(list, at);
        }
    }
    for item in items {
        if !list.iter().any(|value| value.as_str() == Some(item)) {
            push(list, item);
        }
    }
}

/// Takes an item out. The comments around it stay: which of them are about it nobody can tell.
fn remove(list: &mut Array, at: usize) {
    let removed = list.remove(at);
    let prefix = text(removed.decor().prefix());
    let kept = if prefix.contains('#') { prefix.trim_end() } else { "" };
    // A comment goes on to the end of its line.
    let after = |kept: &str, rest: &str| {
        let line_end = if kept.is_empty() || rest.contains('\n') { "" } else { "\n" };
        format!("{kept}{line_end}{rest}")
    };
    if let Some(next) = list.get_mut(at) {
        let rest = text(next.decor().prefix());
        let is_first = at == 0 && kept.is_empty() && !rest.contains('#');
        next.decor_mut().set_prefix(if is_first { prefix } else { after(kept, &rest) });
        return;
    }
    let (is_trailing, suffix) = (list.trailing_comma(), text(removed.decor().suffix()));
    match at.checked_sub(1).and_then(|last| list.get_mut(last)) {
        // Without a comma behind the last item, what stood behind it stays behind the last.
        Some(last) if !is_trailing => last.decor_mut().set_suffix(after(kept, &suffix)),
        Some(_) => {
            let rest = text(Some(list.trailing()));
            list.set_trailing(after(kept, &rest));
        }
        None => {
            let rest = format!("{suffix}{}", text(Some(list.trailing())));
            list.set_trailing(if kept.is_empty() && !rest.contains('#') {
                String::new()
            } else {
                after(kept, &rest)
            });
            list.set_trailing_comma(false);
        }
    }
}

/// Adds an item in the way the others are written.
pub(super) fn push(list: &mut Array, item: &str) {
    let mut value = Value::from(item);
    let last = list.len().checked_sub(1).and_then(|at| list.get(at)).map(|last| last.decor().clone());
    if let Some(last) = last {
        // On a line of its own, as the last one is; without the comment that may stand above that.
        let indent = text(last.prefix()).rsplit_once('\n').map(|(_, indent)| format!("\n{indent}"));
        let indent = indent.unwrap_or_else(|| " ".to_owned());
        // A comment behind the last item's comma stays with that item.
        let behind = if list.trailing_comma() { text(Some(list.trailing())) } else { String::new() };
        let comment = behind.trim_end();
        if !comment.is_empty() {
            list.set_trailing("\n");
        }
        value.decor_mut().set_prefix(format!("{comment}{indent}"));
        // What stands behind the last item, such as a line end before the bracket, stays behind the last.
        if !list.trailing_comma() {
            value.decor_mut().set_suffix(text(last.suffix()));
            if let Some(last) = list.get_mut(list.len() - 1) {
                last.decor_mut().set_suffix("");
            }
        }
    }
    list.push_formatted(value);
}

fn text(raw: Option<&RawString>) -> String {
    raw.and_then(RawString::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml_edit::DocumentMut;

    fn changed(list: &str, items: &[&str]) -> String {
        let mut document: DocumentMut = format!("x = {list}\n").parse().unwrap();
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        change(document["x"].as_array_mut().unwrap(), &items);
        let printed = document.to_string();
        // Whatever it is, it reads back as what was asked for.
        let read: DocumentMut = printed.parse().unwrap_or_else(|error| panic!("{error}\n{printed}"));
        let found: Vec<&str> = read["x"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut wanted: Vec<&str> = items.iter().map(String::as_str).collect();
        let mut sorted = found.clone();
        wanted.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, wanted, "{printed}");
        printed.trim_start_matches("x = ").trim_end().to_owned()
    }

    #[test]
    fn items_go_and_come_and_comments_stay() {
        assert_eq!(changed(r#"["a", "b"]"#, &["a"]), r#"["a"]"#);
        assert_eq!(changed(r#"["a", "b"]"#, &["b"]), r#"["b"]"#);
        assert_eq!(changed(r#"["a", "b"]"#, &["b", "c"]), r#"["b", "c"]"#);
        assert_eq!(changed(r#"["a"]"#, &[]), "[]");
        assert_eq!(changed("[]", &["a"]), r#"["a"]"#);
        let long = "[\n    \"a\", # why a\n    \"b\", # why b\n    # about c\n    \"c\",\n]";
        assert_eq!(changed(long, &["a", "c"]), "[\n    \"a\", # why a # why b\n    # about c\n    \"c\",\n]");
        assert_eq!(
            changed(long, &["a", "b", "c", "d"]),
            "[\n    \"a\", # why a\n    \"b\", # why b\n    # about c\n    \"c\",\n    \"d\",\n]"
        );
        for (number, list) in
            [long, "[\n  \"a\", # why a\n  \"b\", \"c\" # why c\n]", "[ # x\n \"a\" ,\"b\"\n,\"c\"]"]
                .into_iter()
                .enumerate()
        {
            for items in [&["a"][..], &["b"], &["c"], &[], &["d"], &["c", "d"]] {
                let text = changed(list, items);
                for comment in ["# why a", "# why b", "# about c", "# why c", "# x"] {
                    assert!(!list.contains(comment) || text.contains(comment), "{number} {items:?}: {text}");
                }
            }
        }
    }
}
