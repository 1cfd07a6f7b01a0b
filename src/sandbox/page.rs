//! Lists in pages: the query, the cursor, the link to the next page.

use url::form_urlencoded;

use super::errors::Invalid;
use super::ids::IdKind;
use super::switches::Switches;
use super::truth::KeyType;

const DEFAULT_SIZE: usize = 20;
const MAX_SIZE: usize = 100;

/// What a list was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageQuery {
    /// 1 to 100.
    pub(super) size: usize,
    /// The id after which the page begins.
    pub(super) after: Option<String>,
    /// Keys only.
    pub(super) filter: Option<KeyType>,
}

impl PageQuery {
    /// Reads `page[size]`, `page[after]` and, where there is one, `filter[type]`; brackets may be percent-encoded.
    /// What the service does with values out of range is undocumented; here all are invalid.
    pub(super) fn parse(query: &str, kinds: &[IdKind], has_filter: bool) -> Result<Self, Vec<Invalid>> {
        let mut page = Self { size: DEFAULT_SIZE, after: None, filter: None };
        let mut invalid = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "page[size]" => match value.parse() {
                    Ok(size @ 1..=MAX_SIZE) => page.size = size,
                    _ => invalid.push(Invalid::parameter("page[size]", "must be a number from 1 to 100")),
                },
                // The OpenAPI document lets an empty cursor mean the first page.
                "page[after]" if value.is_empty() => {}
                "page[after]" => match decode_cursor(&value, kinds) {
                    Some(id) => page.after = Some(id),
                    None => invalid.push(Invalid::parameter("page[after]", "is not a cursor of this list")),
                },
                "filter[type]" if has_filter => match &*value {
                    "ingest" => page.filter = Some(KeyType::Ingest),
                    "configuration" => page.filter = Some(KeyType::Configuration),
                    _ => invalid
                        .push(Invalid::parameter("filter[type]", "must be `ingest` or `configuration`")),
                },
                _ => {}
            }
        }
        if invalid.is_empty() { Ok(page) } else { Err(invalid) }
    }

    /// The root-relative link to the page after `id`.
    pub(super) fn link(&self, path: &str, id: &str, switches: &Switches) -> String {
        let (open, close) = if switches.encode_brackets { ("%5B", "%5D") } else { ("[", "]") };
        let cursor = encode_cursor(id);
        let size = self.size;
        let filter = self
            .filter
            .filter(|_| switches.filter_in_next)
            .map(|key_type| format!("&filter{open}type{close}={}", key_type.as_str()))
            .unwrap_or_default();
        format!("{path}?page{open}after{close}={cursor}&page{open}size{close}={size}{filter}")
    }
}

/// The cursor that means "after this id".
fn encode_cursor(id: &str) -> String {
    let bare = id.strip_prefix("hcx").unwrap_or(id).replace('_', "");
    format!("{bare}{:08x}", check(&bare))
}

/// The id of a cursor, if it is one of ours and of one of the kinds.
fn decode_cursor(cursor: &str, kinds: &[IdKind]) -> Option<String> {
    let (bare, digits) = cursor.split_at_checked(28)?;
    if digits != format!("{:08x}", check(bare)) {
        return None;
    }
    let (letters, ulid) = bare.split_at_checked(2)?;
    kinds.iter().any(|kind| kind.letters() == letters).then(|| format!("hcx{letters}_{ulid}"))
}

/// FNV-1a: enough to tell a cursor from a guess.
fn check(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [IdKind; 2] = [IdKind::IngestKey, IdKind::ConfigurationKey];
    const ID: &str = "hcxik_01k5v7m3t9q4w8x2y6z0a1b2c4";

    fn parse(query: &str) -> Result<PageQuery, Vec<Invalid>> {
        PageQuery::parse(query, &KEYS, true)
    }

    #[test]
    fn nothing_is_the_first_twenty() {
        let first = PageQuery { size: 20, after: None, filter: None };
        assert_eq!(parse("").unwrap(), first);
        assert_eq!(parse("page[after]=&other=1").unwrap(), first);
    }

    #[test]
    fn a_link_leads_to_the_page_after_its_id() {
        let page = PageQuery { size: 5, after: None, filter: Some(KeyType::Ingest) };
        for encode_brackets in [false, true] {
            let switches = Switches { encode_brackets, ..Switches::default() };
            let link = page.link("/2/teams/acme/api-keys", ID, &switches);
            assert_eq!(link.contains('['), !encode_brackets, "{link}");
            let (path, query) = link.split_once('?').unwrap();
            assert_eq!(path, "/2/teams/acme/api-keys");
            assert_eq!(parse(query).unwrap(), PageQuery { after: Some(ID.to_owned()), ..page.clone() });
        }
        let switches = Switches { filter_in_next: false, ..Switches::default() };
        assert!(!page.link("/", ID, &switches).contains("filter"));
    }

    #[test]
    fn sizes_cursors_and_filters_out_of_range_are_invalid() {
        let foreign = encode_cursor("hcxen_01k5v7m3t9q4w8x2y6z0a1b2c4");
        for query in [
            "page[size]=0",
            "page[size]=101",
            "page[size]=x",
            "page[size]=",
            "page[after]=x",
            "page%5Bafter%5D=%E2%82%AC%E2%82%AC%E2%82%AC%E2%82%AC%E2%82%AC%E2%82%AC%E2%82%AC%E2%82%AC%E2%82%AC%E2%82%AC",
            "filter[type]=management",
            "filter[type]=",
            &format!("page[after]={foreign}"),
        ] {
            assert_eq!(parse(query).unwrap_err().len(), 1, "{query}");
        }
        assert!(PageQuery::parse("filter[type]=x", &[IdKind::Environment], false).is_ok());
    }

    #[test]
    fn a_cursor_with_one_digit_changed_is_no_cursor() {
        let cursor = encode_cursor(ID);
        assert_eq!(decode_cursor(&cursor, &KEYS).as_deref(), Some(ID));
        assert_eq!(decode_cursor(&cursor.replacen('5', "6", 1), &KEYS), None);
        assert_eq!(decode_cursor(&format!("{cursor}0"), &KEYS), None);
    }
}
