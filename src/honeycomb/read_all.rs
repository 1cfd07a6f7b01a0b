//! Everything a plan needs of the service, whole or not at all.

use futures_util::future::try_join3;

use crate::model::{KeyType, Live};
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
