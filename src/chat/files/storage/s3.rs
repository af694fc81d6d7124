//! A bucket of an S3 server as storage.

use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use url::Url;

use crate::config::S3Settings;
use crate::limits::storage::{RETRIES, RETRY_WITHIN};
use crate::outgoing::{HttpClient, StoreConnector};

/// The wait before the first repetition of a failed request. It grows.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(2);

/// A client for the bucket. Nothing is sent yet.
pub(super) fn connect(
    settings: &S3Settings,
    client: &HttpClient,
) -> Result<AmazonS3, object_store::Error> {
    let backoff =
        BackoffConfig { init_backoff: FIRST_RETRY, max_backoff: LONGEST_RETRY, base: 2.0 };
    let retries = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_WITHIN };
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(StoreConnector(client.clone()))
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(retries)
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_virtual_hosted_style_request(settings.bucket_in_host)
        .with_access_key_id(settings.access_key.expose_secret())
        .with_secret_access_key(settings.secret_key.expose_secret());
    if let Some(token) = &settings.session_token {
        builder = builder.with_token(token.expose_secret());
    }
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(address(endpoint, settings));
    }
    builder.build()
}

/// The address of the server, or of the bucket if that has a host name.
fn address(endpoint: &Url, settings: &S3Settings) -> String {
    let mut address = endpoint.clone();
    if let (true, Some(host)) = (settings.bucket_in_host, endpoint.host_str()) {
        let host = format!("{}.{host}", settings.bucket);
        // An IP address has no names in front of it: it stays.
        address.set_host(Some(&host)).ok();
    }
    address.as_str().trim_end_matches('/').to_owned()
}
