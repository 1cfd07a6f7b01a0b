//! How the old repository lets go: `removed` blocks, or `state rm`.

use std::collections::BTreeSet;

use super::address::ResourceAddress;

/// A `removed` block for each resource, by address. Terraform (from 1.7) takes no instance keys in them: a block lets go
/// of all instances of a resource at once.
pub fn removed<'a>(addresses: impl IntoIterator<Item = &'a ResourceAddress>) -> String {
    let whole: BTreeSet<ResourceAddress> = addresses.into_iter().map(ResourceAddress::of_resource).collect();
    let block = |address: &ResourceAddress| {
        format!("removed {{\n  from = {address}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n")
    };
    whole.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// The command that does the same to a state at once, instance by instance, with any version.
pub fn state_rm(address: &ResourceAddress) -> String {
    format!("terraform state rm '{}'", address.to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::super::address::{Index, Step, modules};
    use super::*;

    #[test]
    fn a_block_names_the_resource_and_a_command_the_instance() {
        let address = |index| ResourceAddress {
            modules: modules("module.web[0]").unwrap(),
            resource_type: "honeycombio_api_key",
            name: Step::new("ingest", Some(Index::Key(index))).unwrap(),
        };
        let (one, other) = (address("a".to_owned()), address("it's".to_owned()));
        assert_eq!(
            removed([&one, &other]),
            "removed {\n  from = module.web.honeycombio_api_key.ingest\n\n  lifecycle {\n    destroy = false\n  }\n}\n"
        );
        assert_eq!(
            state_rm(&other),
            r#"terraform state rm 'module.web[0].honeycombio_api_key.ingest["it'\''s"]'"#
        );
    }
}
