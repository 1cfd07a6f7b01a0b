//! Which way requests go: the proxy variables as the HTTP library reads them.

use url::Url;

use super::line::Line;
use crate::honeycomb::is_loopback;
use crate::model::Endpoint;

const NAME: &str = "proxy";

/// Which proxy variable is in force for an endpoint. A proxy's address is shown without its password.
pub(super) fn look(endpoint: &Endpoint, variable: &dyn Fn(&str) -> Option<String>) -> Line {
    let Ok(url) = Url::parse(endpoint.as_str()) else {
        return Line::unknown(NAME, "the endpoint is no address");
    };
    let first =
        |names: &[&'static str]| names.iter().find_map(|name| variable(name).map(|value| (*name, value)));
    let own: &[_] =
        if url.scheme() == "https" { &["HTTPS_PROXY", "https_proxy"] } else { &["HTTP_PROXY", "http_proxy"] };
    let Some((name, value)) = first(own).or_else(|| first(&["ALL_PROXY", "all_proxy"])) else {
        return Line::pass(NAME, "none: the connection is direct");
    };
    let host = url.host_str().unwrap_or_default();
    if is_loopback(&url) {
        return Line::pass(NAME, format!("none: {name} is set, and `{host}` is this machine"));
    }
    if let Some((no, _)) = first(&["NO_PROXY", "no_proxy"]).filter(|(_, list)| is_excepted(host, list)) {
        return Line::pass(NAME, format!("none: {name} is set, and {no} excepts `{host}`"));
    }
    match address(&value) {
        Some(address) => Line::pass(NAME, format!("{name}: {address}")),
        None => Line::warn(
            NAME,
            format!("{name} is set, and is no address"),
            "give http://HOST:PORT, or unset it",
        ),
    }
}

/// Host and port, without what may be a name and a password before them.
fn address(value: &str) -> Option<String> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A name and all below it, an address, or `*`. Ranges of addresses are not looked at: the service has a name.
fn is_excepted(host: &str, list: &str) -> bool {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.trim_start_matches('.').to_ascii_lowercase();
        entry == "*" || host == entry || host.strip_suffix(&entry).is_some_and(|rest| rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_in_force_is_named_without_its_password() {
        for (variables, shown) in [
            (&[][..], "none: the connection is direct"),
            (
                &[("https_proxy", "http://user:hunter2@proxy.example:3128/x")],
                "https_proxy: proxy.example:3128",
            ),
            (
                &[("HTTPS_PROXY", "proxy.example:8080"), ("ALL_PROXY", "http://other")],
                "HTTPS_PROXY: proxy.example:8080",
            ),
            (&[("ALL_PROXY", "socks5://proxy.example:1080")], "ALL_PROXY: proxy.example:1080"),
            (&[("HTTP_PROXY", "http://proxy.example")], "none: the connection is direct"),
            (
                &[("HTTPS_PROXY", "http://p"), ("NO_PROXY", "x.example, .honeycomb.io")],
                "none: HTTPS_PROXY is set, and NO_PROXY excepts `api.honeycomb.io`",
            ),
            (&[("HTTPS_PROXY", "http://p"), ("NO_PROXY", "comb.io")], "HTTPS_PROXY: p:80"),
            (&[("HTTPS_PROXY", "http://:hunter2@")], "HTTPS_PROXY is set, and is no address"),
        ] {
            let find = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let line = look(&Endpoint::us(), &find);
            assert_eq!(line.text, shown);
            assert!(!format!("{line:?}").contains("hunter2"));
        }
        let local = Endpoint::new("http://127.0.0.1:8080").unwrap();
        let text = look(&local, &|name| (name == "HTTP_PROXY").then(|| "http://p".to_owned())).text;
        assert_eq!(text, "none: HTTP_PROXY is set, and `127.0.0.1` is this machine");
    }
}
