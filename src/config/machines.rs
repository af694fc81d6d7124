//! Several Patios that are one: the settings `NATS_URL`, `NATS_PREFIX`, `NODE_NAME` and `DRAIN_TIMEOUT`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use percent_encoding::percent_decode_str;
use url::Url;

use super::{DatabaseUrl, FromFile, Storage, StorageUrl, WrongSetting};

const NATS_URLS: &str = "nats://HOST:PORT or tls://HOST:PORT, with USER:PASSWORD@ before the host if the server wants \
                         them; several are separated by commas";

/// How long a load balancer may take to notice that a Patio stops.
const NOTICE: Duration = Duration::from_secs(2);
/// Over which time live connections are closed where others take over.
const DRAINED_OVER: Duration = Duration::from_secs(10);

#[derive(Args, Clone, Debug, Default)]
pub struct MachineSettings {
    /// NATS servers over which several Patios on one `PostgreSQL` notify each other: `nats://HOST` or `tls://HOST`,
    /// separated by commas. Without them a change takes up to a second to the others.
    #[arg(long, env = "NATS_URL", hide_env_values = true)]
    pub nats_url: Option<NatsUrls>,

    /// File that contains the `NATS_URL`.
    #[arg(long, env = "NATS_URL_FILE", conflicts_with = "nats_url")]
    pub nats_url_file: Option<FromFile<NatsUrls>>,

    /// First part of the subjects on these servers: 1 to 32 letters, digits, `-` or `_`.
    #[arg(long, env = "NATS_PREFIX", default_value = "patio", value_parser = parse_prefix)]
    pub nats_prefix: String,

    /// Name of this Patio among several, 1 to 64 visible characters. Default: the name of the machine.
    #[arg(long, env = "NODE_NAME", value_parser = parse_node_name)]
    pub node_name: Option<String>,

    /// Over how many seconds live connections are closed at a stop, 0 to 600; `0` closes them at once. Default: 10
    /// with NATS, else at once.
    #[arg(long, env = "DRAIN_TIMEOUT")]
    pub drain_timeout: Option<DrainTimeout>,
}

/// A time over which live connections are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainTimeout(Duration);

impl FromStr for DrainTimeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = text.parse::<u64>().ok().filter(|seconds| *seconds <= 600);
        let seconds = seconds.ok_or_else(|| "a number of seconds from 0 to 600".to_owned())?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// How live connections are closed at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainSettings {
    /// How long load balancers have to notice, if there are other Patios.
    pub notice: Duration,
    /// Over which time the connections are then closed.
    pub over: Duration,
}

/// How to reach the other Patios of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusSettings {
    pub servers: NatsUrls,
    /// The first part of all subjects.
    pub prefix: String,
    /// What the servers show of this connection.
    pub node: String,
}

impl MachineSettings {
    /// The name of this Patio among several.
    pub fn node_name(&self) -> String {
        self.node_name.clone().unwrap_or_else(|| {
            rustix::system::uname().nodename().to_string_lossy().chars().take(64).collect()
        })
    }

    /// How live connections are closed at a stop.
    pub fn drain(&self) -> DrainSettings {
        let has_bus = self.nats_url.is_some() || self.nats_url_file.is_some();
        let usual = if has_bus { DRAINED_OVER } else { Duration::ZERO };
        let over = self.drain_timeout.map_or(usual, |timeout| timeout.0);
        let is_at_once = self.drain_timeout.is_some() && over.is_zero();
        DrainSettings { notice: if is_at_once { Duration::ZERO } else { NOTICE }, over }
    }

    /// How to reach the other Patios; `None` if `NATS_URL` is not set.
    ///
    /// # Errors
    /// If `storage` is of this machine alone: the others would not find what is stored there.
    pub fn bus(&self, storage: &Storage) -> Result<Option<BusSettings>, WrongSetting> {
        let servers = self.nats_url.as_ref().or(self.nats_url_file.as_ref().map(|file| &file.0));
        let Some(servers) = servers else { return Ok(None) };
        let refused =
            |needed: &str| Err(WrongSetting(format!("NATS_URL: several Patios {needed}")));
        if !matches!(storage.database(), Some(DatabaseUrl::Postgres(_))) {
            return refused("need DATABASE_URL=postgres://…");
        }
        let is_shared = match &storage.files.storage_url {
            Some(StorageUrl::Directory { shared, .. }) => *shared,
            Some(StorageUrl::S3(_)) => true,
            None => false,
        };
        if !is_shared {
            return refused("need STORAGE_URL=s3://… or file:///DIRECTORY?shared=1");
        }
        let (prefix, node) = (self.nats_prefix.clone(), self.node_name());
        Ok(Some(BusSettings { servers: servers.clone(), prefix, node }))
    }
}

/// The addresses of NATS servers of one cluster, at least one. They may contain a password, so they are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsUrls {
    urls: Vec<Url>,
    user: Option<(String, String)>,
}

impl NatsUrls {
    /// The addresses, without user and password.
    pub fn servers(&self) -> &[Url] {
        &self.urls
    }

    /// The user and the password of the first address that has them. They hold for all servers of a cluster.
    pub fn user(&self) -> Option<(&str, &str)> {
        self.user.as_ref().map(|(user, password)| (user.as_str(), password.as_str()))
    }
}

impl fmt::Debug for NatsUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NatsUrls(…)")
    }
}

impl FromStr for NatsUrls {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut found = Self { urls: Vec::new(), user: None };
        for text in text.split(',').map(str::trim) {
            let (url, user) = parse_server(text).ok_or_else(|| NATS_URLS.to_owned())?;
            found.urls.push(url);
            found.user = found.user.or(user);
        }
        Ok(found)
    }
}

fn parse_server(text: &str) -> Option<(Url, Option<(String, String)>)> {
    let mut url = Url::parse(text).ok()?;
    let is_plain =
        matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "nats" | "tls") || !is_plain || url.host_str()?.is_empty() {
        return None;
    }
    let decoded = |text| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let user = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
    };
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((url, user))
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=32).contains(&text.len()) && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("1 to 32 letters, digits, - or _".to_owned())
    }
}

fn parse_node_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err("1 to 64 visible characters".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Result<NatsUrls, String> {
        text.parse()
    }

    #[test]
    fn addresses_are_separated_by_commas_and_have_one_user() {
        let found = urls("nats://one:4222, tls://ana:p%40ss@two").expect("allowed");
        let hosts: Vec<_> = found.servers().iter().filter_map(Url::host_str).collect();
        assert_eq!(hosts, ["one", "two"]);
        assert_eq!(found.user(), Some(("ana", "p@ss")));
        assert!(found.servers().iter().all(|url| url.password().is_none()), "they may be logged");
        assert_eq!(format!("{found:?}"), "NatsUrls(…)");
        let token = urls("nats://token@one").expect("allowed");
        assert_eq!(token.user(), Some(("token", "")));
    }

    #[test]
    fn other_addresses_are_refused() {
        for wrong in
            ["", "one", "http://one", "nats://", "nats://one,", "nats://one/x", "nats://one?x=1"]
        {
            assert!(urls(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_have_a_form() {
        assert!(parse_prefix("patio_2-a").is_ok());
        for wrong in ["", "a.b", "a b", "*", ">", &"x".repeat(33)] {
            assert!(parse_prefix(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_node_name(" Patio 1 "), Ok("Patio 1".to_owned()));
        for wrong in [" ", "a\u{7}", &"x".repeat(65)] {
            assert!(parse_node_name(wrong).is_err(), "{wrong}");
        }
        assert!(!MachineSettings::default().node_name().is_empty(), "the name of the machine");
    }

    #[test]
    fn live_connections_are_closed_over_a_number_of_seconds() {
        for wrong in ["", "-1", "1.5", "10s", "601", "99999999999999999999"] {
            assert!(wrong.parse::<DrainTimeout>().is_err(), "{wrong}");
        }
        let drain = |nats: Option<&str>, timeout: Option<&str>| {
            let settings = MachineSettings {
                nats_url: nats.map(|nats| urls(nats).expect("allowed")),
                drain_timeout: timeout.map(|timeout| timeout.parse().expect("allowed")),
                ..MachineSettings::default()
            };
            let DrainSettings { notice, over } = settings.drain();
            (notice.as_secs(), over.as_secs())
        };
        assert_eq!(drain(None, None), (2, 0));
        assert_eq!(drain(Some("nats://one"), None), (2, 10));
        assert_eq!(drain(None, Some("600")), (2, 600));
        assert_eq!(drain(Some("nats://one"), Some("60")), (2, 60));
        assert_eq!(drain(Some("nats://one"), Some("0")), (0, 0), "at once is at once");
    }

    #[test]
    fn several_patios_need_a_database_and_files_that_all_reach() {
        let machines = MachineSettings {
            nats_url: Some(urls("nats://one").expect("allowed")),
            ..MachineSettings::default()
        };
        let storage = |database: &str, files: Option<&str>| {
            let mut storage = Storage::in_directory("data".into());
            storage.database_url = Some(database.parse().expect("a database"));
            storage.files.storage_url = files.map(|files| files.parse().expect("storage"));
            storage
        };
        let (sqlite, postgres) = ("sqlite:patio.db", "postgres://patio@db/patio");
        for (database, files, is_allowed) in [
            (sqlite, Some("s3://bucket"), false),
            (postgres, None, false),
            (postgres, Some("file:///files"), false),
            (postgres, Some("file:///files?shared=1"), true),
            (postgres, Some("s3://bucket"), true),
        ] {
            let found = machines.bus(&storage(database, files));
            assert_eq!(found.is_ok_and(|bus| bus.is_some()), is_allowed, "{database} {files:?}");
        }
        let alone = MachineSettings::default();
        assert_eq!(
            alone.bus(&storage(sqlite, None)).ok(),
            Some(None),
            "one Patio needs none of it"
        );
    }
}
