//! Where the contents of files are: the settings `STORAGE_URL` and, for S3, the conventional `AWS_*` variables.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use url::Url;

use super::FromFile;

/// The region that servers other than Amazon's accept.
const USUAL_REGION: &str = "us-east-1";
const ALLOWED: &str = "s3://BUCKET/PREFIX with the parameters endpoint, region and addressing (path or host), or \
                       file:///DIRECTORY with the parameter shared (0 or 1); keys belong into AWS_ACCESS_KEY_ID and \
                       AWS_SECRET_ACCESS_KEY";

#[derive(Args, Clone, Debug, Default)]
pub struct FileStorage {
    /// Where the contents of files are: `s3://BUCKET/PREFIX` or `file:///DIRECTORY`. Without it: the data directory.
    #[arg(long, env = "STORAGE_URL", hide_env_values = true, global = true)]
    pub storage_url: Option<StorageUrl>,

    /// Access key for S3.
    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide_env_values = true, global = true)]
    pub aws_access_key_id: Option<Secret>,

    /// File that contains this key.
    #[arg(
        long,
        env = "AWS_ACCESS_KEY_ID_FILE",
        conflicts_with = "aws_access_key_id",
        global = true
    )]
    pub aws_access_key_id_file: Option<FromFile<Secret>>,

    /// Secret of the access key.
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true, global = true)]
    pub aws_secret_access_key: Option<Secret>,

    /// File that contains this secret.
    #[arg(
        long,
        env = "AWS_SECRET_ACCESS_KEY_FILE",
        conflicts_with = "aws_secret_access_key",
        global = true
    )]
    pub aws_secret_access_key_file: Option<FromFile<Secret>>,

    /// Session token of a temporary access key.
    #[arg(long, env = "AWS_SESSION_TOKEN", hide_env_values = true, global = true)]
    pub aws_session_token: Option<Secret>,

    /// File that contains this token.
    #[arg(
        long,
        env = "AWS_SESSION_TOKEN_FILE",
        conflicts_with = "aws_session_token",
        global = true
    )]
    pub aws_session_token_file: Option<FromFile<Secret>>,

    /// Region of the bucket, unless `STORAGE_URL` has one.
    #[arg(long, env = "AWS_REGION", global = true)]
    pub aws_region: Option<String>,

    /// Address of the S3 server, unless `STORAGE_URL` has one; by default Amazon's.
    #[arg(long, env = "AWS_ENDPOINT_URL_S3", global = true)]
    pub aws_endpoint_url_s3: Option<String>,

    /// The same for all services; `AWS_ENDPOINT_URL_S3` comes first.
    #[arg(long, env = "AWS_ENDPOINT_URL", global = true)]
    pub aws_endpoint_url: Option<String>,
}

/// A place for contents, with all that is needed to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilePlace {
    DataDir,
    /// `shared`: other machines use it, too.
    Directory {
        path: PathBuf,
        shared: bool,
    },
    S3(Box<S3Settings>),
}

/// A bucket and the access to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Settings {
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    pub prefix: String,
    pub region: String,
    /// `None`: Amazon's.
    pub endpoint: Option<Url>,
    /// Whether the bucket is a part of the host name.
    pub bucket_in_host: bool,
    pub access_key: Secret,
    pub secret_key: Secret,
    pub session_token: Option<Secret>,
}

/// A setting that is wrong together with another one. It ends the command as a wrong value does.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongSetting(pub String);

impl FileStorage {
    /// The configured place.
    ///
    /// # Errors
    /// If a setting that it needs is missing or wrong.
    pub fn place(&self) -> Result<FilePlace, WrongSetting> {
        let bucket = match &self.storage_url {
            None => return Ok(FilePlace::DataDir),
            Some(StorageUrl::Directory { path, shared }) => {
                return Ok(FilePlace::Directory { path: path.clone(), shared: *shared });
            }
            Some(StorageUrl::S3(bucket)) => bucket.clone(),
        };
        let given = |value: &Option<Secret>, file: &Option<FromFile<Secret>>| {
            value.clone().or_else(|| file.as_ref().map(|file| file.0.clone()))
        };
        let needed = |value: Option<Secret>, name: &str| {
            value.ok_or_else(|| {
                WrongSetting(format!("STORAGE_URL=s3://… needs {name} (or {name}_FILE)"))
            })
        };
        let access_key = given(&self.aws_access_key_id, &self.aws_access_key_id_file);
        let secret_key = given(&self.aws_secret_access_key, &self.aws_secret_access_key_file);
        Ok(FilePlace::S3(Box::new(S3Settings {
            endpoint: match bucket.endpoint {
                Some(endpoint) => Some(endpoint),
                None => self.endpoint()?,
            },
            region: bucket
                .region
                .or_else(|| self.aws_region.clone())
                .unwrap_or_else(|| USUAL_REGION.to_owned()),
            bucket: bucket.name,
            prefix: bucket.prefix,
            bucket_in_host: bucket.in_host,
            access_key: needed(access_key, "AWS_ACCESS_KEY_ID")?,
            secret_key: needed(secret_key, "AWS_SECRET_ACCESS_KEY")?,
            session_token: given(&self.aws_session_token, &self.aws_session_token_file),
        })))
    }

    /// The address that the environment names.
    fn endpoint(&self) -> Result<Option<Url>, WrongSetting> {
        for (name, value) in [
            ("AWS_ENDPOINT_URL_S3", &self.aws_endpoint_url_s3),
            ("AWS_ENDPOINT_URL", &self.aws_endpoint_url),
        ] {
            if let Some(value) = value {
                let parsed = parse_endpoint(value).ok_or_else(|| {
                    let allowed =
                        "http:// or https:// with a host, for example https://s3.example.org";
                    WrongSetting(format!("{name}={value} is not allowed; allowed: {allowed}"))
                });
                return parsed.map(Some);
            }
        }
        Ok(None)
    }
}

/// Where contents are, by its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageUrl {
    Directory {
        path: PathBuf,
        /// Whether other machines have the same directory.
        shared: bool,
    },
    S3(Bucket),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    name: String,
    prefix: String,
    region: Option<String>,
    endpoint: Option<Url>,
    in_host: bool,
}

impl FromStr for StorageUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).ok();
        let parsed = url.and_then(|url| match url.scheme() {
            "s3" => bucket(&url).map(Self::S3),
            "file" => directory(&url),
            _ => None,
        });
        parsed.ok_or_else(|| ALLOWED.to_owned())
    }
}

fn bucket(url: &Url) -> Option<Bucket> {
    let name = url.host_str().filter(|name| is_bucket(name))?.to_owned();
    let prefix = url.path().trim_matches('/').to_owned();
    // A prefix that had to be escaped would be another one in other programs.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !prefix.chars().all(plain) || has_user(url) || url.fragment().is_some() {
        return None;
    }
    let mut found = Bucket { name, prefix, region: None, endpoint: None, in_host: false };
    for (name, value) in url.query_pairs() {
        match &*name {
            "endpoint" => found.endpoint = Some(parse_endpoint(&value)?),
            "region" if !value.is_empty() => found.region = Some(value.into_owned()),
            "addressing" => {
                found.in_host = match &*value {
                    "host" => true,
                    "path" => false,
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    Some(found)
}

/// The rule of Amazon for new buckets; it is also what a host name can hold.
fn is_bucket(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    (3..=63).contains(&name.len()) && name.chars().all(plain)
}

fn directory(url: &Url) -> Option<StorageUrl> {
    let path = url.to_file_path().ok()?;
    let mut shared = false;
    for (name, value) in url.query_pairs() {
        shared = match (&*name, &*value) {
            ("shared", "1") => true,
            ("shared", "0") => false,
            _ => return None,
        };
    }
    let is_usable = path != Path::new("/") && url.fragment().is_none();
    is_usable.then_some(StorageUrl::Directory { path, shared })
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some() || url.port().is_some()
}

fn parse_endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.has_host();
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (plain && bare && url.password().is_none()).then_some(url)
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let is_visible = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        is_visible
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| "visible ASCII characters".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(text: &str) -> Result<FilePlace, String> {
        let secret = |text: &str| Some(text.parse::<Secret>().expect("a secret"));
        let settings = FileStorage {
            storage_url: Some(text.parse()?),
            aws_access_key_id: secret("key"),
            aws_secret_access_key: secret("hunter2"),
            aws_region: Some("eu-south-2".to_owned()),
            ..FileStorage::default()
        };
        settings.place().map_err(|error| error.to_string())
    }

    #[test]
    fn a_storage_url_names_a_bucket_or_a_directory() {
        let FilePlace::S3(found) =
            s3("s3://patio-files/a/b/?endpoint=http://[::1]:9000").expect("it")
        else {
            panic!("a bucket");
        };
        assert_eq!((&*found.bucket, &*found.prefix), ("patio-files", "a/b"));
        assert_eq!(found.endpoint.map(String::from).as_deref(), Some("http://[::1]:9000/"));
        assert_eq!((&*found.region, found.bucket_in_host), ("eu-south-2", false));
        let FilePlace::S3(found) = s3("s3://files?region=auto&addressing=host").expect("it") else {
            panic!("a bucket");
        };
        assert_eq!((&*found.prefix, &*found.region, found.bucket_in_host), ("", "auto", true));
        let shared = |text: &str| text.parse::<StorageUrl>();
        let directory = |shared| StorageUrl::Directory { path: "/mnt/a b".into(), shared };
        assert_eq!(shared("file:///mnt/a%20b?shared=1"), Ok(directory(true)));
        assert_eq!(shared("file:///mnt/a%20b"), Ok(directory(false)));
        for bad in [
            "",
            "/mnt/files",
            "file://",
            "file:///",
            "file://host/files",
            "file:///mnt?shared=yes",
            "file:///mnt?other=1",
            "s3://",
            "s3://a",
            "s3://Bucket",
            "s3://bucket:80/x",
            "s3://key:secret@bucket",
            "s3://bucket/a b",
            "s3://bucket?endpoint=files.example.org",
            "s3://bucket?endpoint=http://key:secret@files.example.org",
            "s3://bucket?addressing=magic",
            "s3://bucket?secret=x",
            "https://bucket.s3.amazonaws.com",
        ] {
            assert!(s3(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bucket_needs_keys_that_are_never_printed() {
        let url = || Some("s3://bucket".parse().expect("a URL"));
        let without = FileStorage { storage_url: url(), ..FileStorage::default() };
        let error = without.place().expect_err("no keys").to_string();
        assert_eq!(error, "STORAGE_URL=s3://… needs AWS_ACCESS_KEY_ID (or AWS_ACCESS_KEY_ID_FILE)");
        let printed = format!("{:?}", s3("s3://bucket").expect("a place"));
        assert!(!printed.contains("hunter2"), "{printed}");
        let unused =
            FileStorage { aws_endpoint_url: Some("x".to_owned()), ..FileStorage::default() };
        assert_eq!(unused.place().expect("not needed"), FilePlace::DataDir);
    }

    #[test]
    fn the_environment_names_the_server_where_the_url_does_not() {
        let mut settings = FileStorage {
            storage_url: Some("s3://bucket".parse().expect("a URL")),
            aws_endpoint_url: Some("https://all.example.org".to_owned()),
            aws_endpoint_url_s3: Some("https://s3.example.org".to_owned()),
            ..FileStorage::default()
        };
        let host = |found: Result<Option<Url>, WrongSetting>| {
            found.map(|url| url.and_then(|url| url.host_str().map(str::to_owned)))
        };
        assert_eq!(host(settings.endpoint()).expect("a URL").as_deref(), Some("s3.example.org"));
        settings.aws_endpoint_url_s3 = Some("s3.example.org".to_owned());
        assert!(host(settings.endpoint()).is_err());
    }
}
