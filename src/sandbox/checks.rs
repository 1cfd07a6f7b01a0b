//! What is looked at before a call is carried out: who asks, and in what form.

use serde_json::Value;

use super::answer::JSON_API;
use super::body::{self, Body};
use super::errors::Refusal;
use super::records::{Key, Management};
use super::route::Collection;
use super::store::Store;

/// The management key behind `Authorization: Bearer <id>:<secret>`.
pub(super) fn management<'a>(
    store: &'a Store,
    authorization: Option<&str>,
) -> Result<&'a Management, Refusal> {
    let (id, secret) = authorization
        .and_then(|header| header.strip_prefix("Bearer "))
        .and_then(|credential| credential.split_once(':'))
        .ok_or(Refusal::Unauthorized)?;
    store
        .management_keys
        .iter()
        .find(|management| management.id == id && management.secret == secret && !management.disabled)
        .ok_or(Refusal::Unauthorized)
}

/// The key behind `X-Honeycomb-Team`, and the team that it is of: any of the service's.
pub(super) fn key<'a>(store: &'a Store, credential: Option<&str>) -> Result<(&'a Store, &'a Key), Refusal> {
    let mut teams = std::iter::once(store).chain(&store.neighbours);
    credential
        .and_then(|credential| teams.find_map(|team| Some((team, team.key_of_credential(credential)?))))
        .ok_or(Refusal::Unauthorized)
}

/// Whether the scopes allow a call; `:write` implies `:read`. `/2/auth` needs none.
pub(super) fn scope(scopes: &[String], collection: Collection, write: bool) -> Result<(), Refusal> {
    if collection == Collection::Auth {
        return Ok(());
    }
    let name = collection.name();
    let has = |verb: &str| scopes.iter().any(|scope| *scope == format!("{name}:{verb}"));
    if has("write") || (!write && has("read")) {
        return Ok(());
    }
    let verb = if write { "write" } else { "read" };
    Err(Refusal::Forbidden(format!("the API key lacks the scope {name}:{verb}")))
}

/// A body has the service's media type, without parameters, and is not too large. Without a body the type is free.
pub(super) fn form(content_type: Option<&str>, body: &Body) -> Result<(), Refusal> {
    let is_empty = matches!(body, Body::Whole(bytes) if bytes.is_empty());
    if !is_empty && content_type != Some(JSON_API) {
        return Err(Refusal::UnsupportedMediaType);
    }
    match body {
        Body::Whole(_) => Ok(()),
        Body::TooLarge => Err(Refusal::TooLarge),
    }
}

/// The JSON of a body.
pub(super) fn document(body: &Body) -> Result<Value, Refusal> {
    match body {
        Body::Whole(text) => body::parse(text),
        Body::TooLarge => Err(Refusal::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bearer_form_of_an_enabled_key_is_known() {
        let mut store = Store::new(1, "acme", "Acme");
        let (id, secret) = {
            let management = &store.management_keys[0];
            (management.id.clone(), management.secret.clone())
        };
        let bearer = format!("Bearer {id}:{secret}");
        assert!(management(&store, Some(&bearer)).is_ok());
        for wrong in
            [format!("{id}:{secret}"), format!("Bearer {id}{secret}"), format!("Bearer {id}:"), String::new()]
        {
            assert!(management(&store, Some(&wrong)).is_err());
        }
        assert!(management(&store, None).is_err());
        store.management_keys[0].disabled = true;
        assert!(management(&store, Some(&bearer)).is_err());
    }

    #[test]
    fn write_implies_read_of_the_same_collection() {
        let scopes = ["api-keys:write".to_owned(), "environments:read".to_owned()];
        assert!(scope(&scopes, Collection::ApiKeys, true).is_ok());
        assert!(scope(&scopes, Collection::ApiKeys, false).is_ok());
        assert!(scope(&scopes, Collection::Environments, false).is_ok());
        assert!(scope(&scopes, Collection::Environments, true).is_err());
        assert!(scope(&[], Collection::Auth, false).is_ok());
    }

    #[test]
    fn the_type_is_looked_at_before_the_size() {
        let empty = Body::Whole(Vec::new());
        assert!(form(None, &empty).is_ok() && form(Some("text/plain"), &empty).is_ok());
        assert_eq!(form(Some("application/json"), &Body::TooLarge), Err(Refusal::UnsupportedMediaType));
        assert_eq!(form(Some(JSON_API), &Body::TooLarge), Err(Refusal::TooLarge));
        assert!(form(None, &Body::Whole(b"{}".to_vec())).is_err());
    }
}
