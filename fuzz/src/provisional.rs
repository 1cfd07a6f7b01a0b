//! Names: ours are read back, and nothing else is taken for ours.

use keycomb::model::{Address, Label, Lineage, Nonce, Provisional};
use sha2::{Digest, Sha256};

/// The input is a name; its bytes are also what a name of ours is made from.
pub fn run(data: &[u8]) {
    foreign(&String::from_utf8_lossy(data));
    ours(data);
}

fn foreign(name: &str) {
    let Some(read) = Provisional::parse(name) else { return };
    assert_eq!(read.name(), name);
    let is_ours = |c: char| c == '.' || c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit();
    assert!(name.len() <= 100 && name.chars().all(is_ours), "{name:?}");
    let mut parts = name.split('.');
    assert_eq!(parts.next(), Some("keycomb-pending"));
    for length in [8, 10, 16] {
        assert_eq!(parts.next().map(str::len), Some(length), "{name}");
    }
    assert_eq!(parts.next(), Some(&*check(name)), "{name}");
}

/// The check, worked out apart from the model: the first 30 bits of the hash of what is before it.
fn check(name: &str) -> String {
    let body = name.split('.').take(4).collect::<Vec<_>>().join(".");
    let digest = Sha256::digest(body.as_bytes());
    let bits = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) >> 2;
    let letter = |i: u32| b"0123456789abcdefghjkmnpqrstvwxyz"[(bits >> (25 - 5 * i)) as usize & 31];
    (0..6).map(|i| char::from(letter(i))).collect()
}

fn ours(data: &[u8]) {
    let mut seed = [0; 32];
    data.iter().zip(&mut seed).for_each(|(from, to)| *to = *from);
    let [first, second] = [0, 16].map(|at| <[u8; 16]>::try_from(&seed[at..at + 16]).unwrap());
    let (lineage, nonce) = (Lineage::from_random(first), Nonce::from_random(second));
    let label = |byte: u8| Label::new(format!("l{byte}")).unwrap();
    let address = Address::Key { environment: label(seed[0]), key: label(seed[31]) };
    let other = Address::Key { environment: label(seed[0]), key: Label::new("other").unwrap() };

    let made = Provisional::new(&lineage, &address, nonce.clone());
    let name = made.name();
    let read = Provisional::parse(&name).unwrap_or_else(|| panic!("{name} is not read back"));
    assert_eq!((&read, &read.nonce), (&made, &nonce));
    assert!(read.is_of(&lineage) && read.is_for(&address) && !read.is_for(&other));
    foreign(&name);
    assert_changed_is_not_ours(&name, data);
}

/// One character of another value, and it is a person's name.
fn assert_changed_is_not_ours(name: &str, data: &[u8]) {
    let place = data.first().map_or(0, |byte| usize::from(*byte) % name.len());
    let with = data.last().map_or('x', |byte| char::from(*byte));
    let changed: String =
        name.chars().enumerate().map(|(at, c)| if at == place { with } else { c }).collect();
    assert!(changed == name || Provisional::parse(&changed).is_none(), "{changed:?}");
    for other in [format!("{name} "), format!(" {name}"), name.to_uppercase(), name.replace('.', "-")] {
        assert_eq!(Provisional::parse(&other), None, "{other:?}");
    }
}
