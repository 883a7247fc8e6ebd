//! The stores of different sizes. They are filled by SQL, because a million webhooks would take most of an hour
//! otherwise.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::generator::Target;
use crate::node::{Site, certificates, sqlite_in};
use crate::store::sqlite;
use xtask::process::{Outcome, say};

const WEBHOOKS: &str = include_str!("webhooks.sql");
const DELIVERIES: &str = include_str!("deliveries.sql");
/// Webhooks that get deliveries in turn, the same number in every store.
const RECEIVERS: u32 = 1_000;
/// Networks of the long allowlist, beside the load generator's.
const NETWORKS: u32 = 9_999;
/// Networks in one argument of a command: the system limits the length.
const NETWORKS_AT_ONCE: usize = 2_500;

/// A filled store, the configuration that serves it, and the requests to it.
pub(super) struct Filled {
    pub(super) site: Site,
    pub(super) target: Target,
    pub(super) data: PathBuf,
    /// A copy of the database file from before the first delivery.
    fresh: Option<PathBuf>,
}

/// All stores.
pub(super) struct Stores {
    /// Ten webhooks, one network in their allowlists.
    pub(super) few: Filled,
    /// A tenth as many webhooks as `long` has deliveries, and an allowlist of 10,000 networks.
    pub(super) many: Filled,
    /// The store `many` with a long history.
    pub(super) long: Filled,
    /// The data of `long`, with a retention of one day.
    pub(super) pruning: Site,
    /// The last page of the history of one webhook of `long`.
    pub(super) page: Target,
}

impl Stores {
    pub(super) fn build(scratch: &Path, rows: u32) -> Outcome<Self> {
        let certificates = certificates(scratch)?;
        let [few, many, long] = ["few", "many", "long"].map(|name| scratch.join(name));
        let few_site = Site::on_sqlite(&few, &certificates)?;
        few_site.command(&["migrate"])?;
        let few = Filled::new(few_site, &few, "127.0.0.1", None)?;
        say("storing webhooks");
        let many_site = Site::on_sqlite(&many, &certificates)?;
        many_site.command(&["migrate"])?;
        import_networks(&many_site)?;
        let many = Filled::new(many_site, &many, "@networks", Some(rows))?;
        say("storing deliveries");
        fs::create_dir_all(&long)?;
        fs::copy(many.data.join("hookgate.db"), long.join("hookgate.db"))?;
        let site = Site::on_sqlite(&long, &certificates)?;
        fill(&long, DELIVERIES, rows)?;
        let one_day = format!("{}\nkeep_days = 1", sqlite_in(&long));
        // Another directory, because every configuration has the same file name.
        let pruning = site.instead(&scratch.join("pruning"), &certificates, &one_day)?;
        let mut target = many.target.clone();
        target.address = site.address;
        let token = site.command(&["token", "create", "bench", "--role", "viewer"])?;
        let handle = sqlite(&long, "SELECT handle FROM webhooks WHERE id = 1")?;
        let path = format!("/api/v1/deliveries?webhook={}&limit=50", handle.trim());
        let mut page = Target::new(site.console, &[path], 200, &long.join("page"))?;
        page.token = token["token"].as_str().map(str::to_owned);
        let long = Filled {
            site,
            target,
            data: long,
            fresh: None,
        };
        Ok(Self {
            few,
            many,
            long,
            pruning,
            page,
        })
    }
}

impl Filled {
    /// A store with webhooks that have this allowlist, and with more webhooks if `rows` is given.
    fn new(site: Site, directory: &Path, allow: &str, rows: Option<u32>) -> Outcome<Self> {
        let paths: Outcome<Vec<_>> = (0..RECEIVERS).map(|_| site.webhook_for(allow)).collect();
        let target = Target::new(site.address, &paths?, 201, &directory.join("paths"))?;
        if let Some(rows) = rows {
            fill(directory, WEBHOOKS, rows)?;
        }
        // Commands may have left changes in the write-ahead log.
        sqlite(directory, "PRAGMA wal_checkpoint(TRUNCATE)")?;
        let fresh = directory.join("fresh.db");
        fs::copy(directory.join("hookgate.db"), &fresh)?;
        Ok(Self {
            site,
            target,
            data: directory.to_owned(),
            fresh: Some(fresh),
        })
    }

    /// Removes all deliveries, so that every round starts alike. The file is synced, so that no write of it falls into
    /// a measurement.
    pub(super) fn renew(&self) -> Outcome<()> {
        let Some(fresh) = &self.fresh else {
            return Ok(());
        };
        let file = self.data.join("hookgate.db");
        for rest in ["hookgate.db-wal", "hookgate.db-shm"] {
            // After a clean shutdown neither file is there.
            let _ = fs::remove_file(self.data.join(rest));
        }
        fs::copy(fresh, &file)?;
        Ok(fs::File::open(file)?.sync_all()?)
    }
}

/// Creates an address set of disjoint networks and the load generator's address.
fn import_networks(site: &Site) -> Outcome<()> {
    let mut networks = vec!["127.0.0.1".to_owned()];
    // 10.0.0.0/30, 10.0.0.8/30 and so on: no two can be joined.
    networks.extend(
        (0..NETWORKS).map(|number| format!("{}/30", std::net::Ipv4Addr::from_bits(10 << 24 | number << 3))),
    );
    let mut arguments = vec!["addresses".to_owned(), "create".to_owned(), "networks".to_owned()];
    for some in networks.chunks(NETWORKS_AT_ONCE) {
        arguments.extend(["--network".to_owned(), some.join(",")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    site.command(&arguments)?;
    Ok(())
}

/// Runs the SQL for `rows` deliveries.
fn fill(data: &Path, sql: &str, rows: u32) -> Outcome<()> {
    let sql = sql
        .replace("{rows}", &rows.to_string())
        .replace("{webhooks}", &(rows / 10).to_string());
    let mut shell = Command::new("sqlite3")
        .arg("-bail")
        .arg(data.join("hookgate.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    shell
        .stdin
        .take()
        .ok_or("no standard input")?
        .write_all(sql.as_bytes())?;
    if shell.wait()?.success() {
        Ok(())
    } else {
        Err("the store was not filled".into())
    }
}
