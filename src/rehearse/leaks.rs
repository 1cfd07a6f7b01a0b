//! Looks for secrets where none may be: in clear, in hexadecimal, in base64 at any of its three offsets.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What is looked for. No `Debug`: it is all secret.
pub(super) struct Needles(HashMap<[u8; 4], Vec<Vec<u8>>>);

impl Needles {
    /// These secrets, in each of their forms.
    pub(super) fn of<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let mut needles: HashMap<[u8; 4], Vec<Vec<u8>>> = HashMap::new();
        for form in secrets.flat_map(forms) {
            if let Some(first) = form.first_chunk() {
                needles.entry(*first).or_default().push(form);
            }
        }
        Self(needles)
    }

    /// How many bytes of secrets stand in a text.
    pub(super) fn count(&self, text: &[u8]) -> usize {
        let at = |(place, window): (usize, &[u8])| {
            let candidates = self.0.get(<&[u8; 4]>::try_from(window).ok()?)?;
            let rest = text.get(place..)?;
            candidates.iter().find(|needle| rest.starts_with(needle)).map(Vec::len)
        };
        text.windows(4).enumerate().filter_map(at).sum()
    }

    /// The same for every file in a folder, and the name of the first that has some.
    pub(super) fn count_in(&self, folder: &Path) -> std::io::Result<(usize, Option<String>)> {
        let (mut sum, mut first) = (0, None);
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let found =
                if path.is_dir() { self.count_in(&path)?.0 } else { self.count(&std::fs::read(&path)?) };
            if found > 0 {
                first.get_or_insert_with(|| path.display().to_string());
            }
            sum += found;
        }
        Ok((sum, first))
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![secret.as_bytes().to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    // The characters of base64 that depend on this secret alone, whatever stands before and after it.
    for (before, skipped) in [("", 0), ("x", 2), ("xx", 3)] {
        let padded = [before, secret].concat();
        let encoded = STANDARD_NO_PAD.encode(&padded);
        let whole = padded.len() / 3 * 4;
        forms.extend(encoded.get(skipped..whole).map(|part| part.as_bytes().to_vec()));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_each_form_at_each_place() {
        let secret = "0123456789abcdefghijklmnopqrstuv";
        let needles = Needles::of([secret].into_iter());
        assert_eq!(needles.count(format!("… {secret} …").as_bytes()), secret.len());
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(needles.count(hex.as_bytes()) > 0);
        for before in ["", "a", "bc", "def", "ghij"] {
            for after in ["", "a", "bc"] {
                let encoded = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
                assert!(needles.count(encoded.as_bytes()) > 0, "{before} {after}");
            }
        }
        assert_eq!(needles.count(b"0123456789abcdefghijklmnopqrstu_ nothing of it"), 0);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("in/file"), secret).unwrap();
        assert_eq!(needles.count_in(folder.path()).unwrap().0, secret.len());
    }
}
