//! The measured systems. Each is started fresh for every measurement, with all its processes on the core of servers.

use std::ffi::OsString;
use std::path::Path;

use hookgate_domain::WebhookId;

use super::generator::Target;
use super::node::{ELSEWHERE, Site, certificates};
use super::server;
use super::store::Store;
use super::tree::{self, Process};
use super::{nginx, unsynced};
use xtask::process::Outcome;

/// Number of unknown IDs that are requested in turn.
const UNKNOWN: usize = 50_000;
/// Path of the requests to servers without webhooks, of the usual length.
const ANY_PATH: &str = "/webhooks/custom/wh_777777777777777777777777777777774c13vo";

/// A measured system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// hyper and rustls with a fixed answer, with which the others are compared.
    Echo,
    /// Hookgate on its embedded store, with an fsync for each batch.
    Sqlite,
    /// The same without any fsync, to measure the cost of durability. No setting allows this: a preloaded library
    /// disables fsync.
    Unsynced,
    /// Hookgate with a PostgreSQL server, both on the one core.
    Postgres,
    /// nginx with a fixed answer.
    Nginx,
}

/// The kind of webhook that requests are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A webhook that accepts them.
    Accepted,
    /// A webhook that was revoked.
    Revoked,
    /// A webhook whose allowlist has other addresses only.
    NotAllowed,
    /// Webhooks that don't exist, a different one each time.
    Unknown,
}

/// A running system, and the requests to it.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) target: Target,
    pub(crate) store: Store,
}

/// CPU seconds so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    /// CPU of server and database.
    pub(crate) all: f64,
    pub(crate) database: f64,
}

impl System {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Sqlite => "sqlite",
            Self::Unsynced => "unsynced",
            Self::Postgres => "postgres",
            Self::Nginx => "nginx",
        }
    }

    /// Starts the system in this directory, which no other uses, by another program if there is one.
    pub(crate) fn start(
        self,
        scratch: &Path,
        directory: &Path,
        wanted: Wanted,
        starter: &[OsString],
    ) -> Outcome<Running> {
        std::fs::create_dir_all(directory)?;
        let certificates = certificates(scratch)?;
        let paths = directory.join("paths");
        let outside = |(process, address)| {
            let path = wanted_paths(None, wanted)?;
            Ok(Running {
                process,
                target: Target::new(address, &path, 201, &paths)?,
                store: Store::None,
            })
        };
        let mut store = Store::None;
        let site = match self {
            Self::Echo => return outside(server::echo(&certificates, starter)?),
            Self::Nginx => return outside(nginx::start(directory, &certificates)?),
            Self::Postgres => {
                let (fresh, url) = Store::postgres()?;
                store = fresh;
                Site::new(directory, &certificates, &format!("url = \"{url}\""))?
            }
            Self::Sqlite | Self::Unsynced => Site::on_sqlite(&directory.join("data"), &certificates)?,
        };
        let process = match self {
            Self::Unsynced => site.serve(&unsynced::starter()?)?,
            _ => site.serve(starter)?,
        };
        if self == Self::Sqlite {
            store = Store::Sqlite(directory.join("data"));
        }
        let target = Target::new(
            site.address,
            &wanted_paths(Some(&site), wanted)?,
            wanted.status(),
            &paths,
        )?;
        Ok(Running {
            process,
            target,
            store,
        })
    }
}

impl Wanted {
    /// The status of a gate's answer.
    const fn status(self) -> u16 {
        match self {
            Self::Accepted => 201,
            Self::Revoked => 410,
            Self::NotAllowed => 403,
            Self::Unknown => 404,
        }
    }
}

impl Running {
    pub(crate) fn cpu(&self) -> Cpu {
        let database = self
            .store
            .processes()
            .map_or(0.0, |roots| tree::cpu_seconds(&roots));
        Cpu {
            all: tree::cpu_seconds(&[self.process.id()]) + database,
            database,
        }
    }
}

fn wanted_paths(site: Option<&Site>, wanted: Wanted) -> Outcome<Vec<String>> {
    Ok(match (site, wanted) {
        (_, Wanted::Unknown) => (0..UNKNOWN).map(|_| unknown_path()).collect::<Outcome<_>>()?,
        (Some(site), Wanted::Accepted) => vec![site.webhook()?],
        (Some(site), Wanted::Revoked) => vec![site.revoked_webhook()?],
        (Some(site), Wanted::NotAllowed) => vec![site.webhook_for(ELSEWHERE)?],
        (None, _) => vec![ANY_PATH.to_owned()],
    })
}

/// The path of a webhook that does not exist.
fn unknown_path() -> Outcome<String> {
    Ok(format!("/webhooks/custom/{}", new_id()?.reveal()))
}

/// A new ID.
pub(crate) fn new_id() -> Outcome<WebhookId> {
    use std::io::Read;

    let mut random = std::fs::File::open("/dev/urandom")?;
    Ok(WebhookId::generate(|buffer| random.read_exact(buffer))?)
}
