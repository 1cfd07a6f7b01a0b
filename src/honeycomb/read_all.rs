//! Everything a plan needs of the service, whole or not at all.

use futures_util::future::try_join3;

use crate::model::{KeyState, KeyType, Live, Sealed};
use crate::ports::{Failure, ReadLive, ServiceError};

/// Reads all environments and all keys, the three lists at the same time.
///
/// # Errors
/// The first list that cannot be read to its end; the others are dropped then. Also when no answer had a `Date`:
/// ages are counted by the service's clock, never by the local one.
pub async fn read_all<R: ReadLive>(reader: &R) -> Result<Live, ServiceError> {
    let lists =
        try_join3(reader.environments(), reader.keys(KeyType::Ingest), reader.keys(KeyType::Configuration));
    let (environments, mut keys, configuration) = lists.await?;
    keys.extend(configuration);
    keys.sort_by(|a, b| a.id.cmp(&b.id));
    let now = reader.service_now().ok_or_else(|| ServiceError {
        method: "GET",
        path: "/2/teams".into(),
        failure: Failure::Unreadable { status: 200, problem: "no answer has a `Date` header".into() },
    })?;
    Ok(Live { environments, keys, now })
}

/// As [`read_all`], with a second look at what the record manages and the listing does not show: it may lag.
///
/// # Errors
/// When any part of it cannot be read.
pub async fn read_managed<R: ReadLive>(reader: &R, sealed: Option<&Sealed>) -> Result<Live, ServiceError> {
    let mut live = read_all(reader).await?;
    let Some(sealed) = sealed else { return Ok(live) };
    let (mut environments, mut keys) = (Vec::new(), Vec::new());
    for record in &sealed.environments {
        if live.environments.binary_search_by(|shown| shown.id.cmp(&record.id)).is_err() {
            environments.extend(reader.environment(&record.id).await?);
        }
    }
    for record in sealed.keys.iter().filter(|record| record.state != KeyState::Deleted) {
        if live.keys.binary_search_by(|shown| shown.id.cmp(&record.id)).is_err() {
            keys.extend(reader.key(&record.id).await?);
        }
    }
    live.environments.extend(environments);
    live.keys.extend(keys);
    live.environments.sort_by(|a, b| a.id.cmp(&b.id));
    live.keys.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(live)
}
