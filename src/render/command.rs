//! What GitHub's runner takes for a command: text that stays text in it.

use crate::model::visible;

/// What stands behind the second pair of colons, as GitHub's own toolkit escapes it: percent signs and line ends.
pub fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which a comma or a colon would end.
pub fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
