//! A standby of a server.

use super::programs::output;
use super::{Postgres, wait_until};
use crate::https::Outcome;

impl Postgres {
    /// A standby that replicates this server. A commit is answered once it is on both disks.
    ///
    /// # Errors
    /// If it doesn't start.
    pub fn standby(&self) -> Outcome<Self> {
        let standby = Self::prepare()?;
        let (port, host) = (self.port.to_string(), self.directory.path());
        let mut backup = standby.programs.command("pg_basebackup");
        backup.args(["-U", "postgres", "-R", "-c", "fast", "-p", &port]);
        backup.arg("-h").arg(host).arg("-D").arg(standby.data());
        output(&mut backup)?;
        let mut standby = standby;
        standby.run()?;
        self.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.sql("postgres", "SELECT pg_reload_conf()")?;
        let is_synchronous = || {
            let states = self.sql("postgres", "SELECT sync_state FROM pg_stat_replication");
            states.is_ok_and(|states| {
                states
                    .lines()
                    .any(|state| matches!(state.trim(), "sync" | "quorum"))
            })
        };
        wait_until(is_synchronous).map(|()| standby)
    }

    /// Promotes a standby to the primary.
    ///
    /// # Errors
    /// If it refuses.
    pub fn promote(&self) -> Outcome<()> {
        // The new primary has no standby, so commits must not wait for one.
        self.sql("postgres", "SELECT pg_promote(true, 30)")?;
        wait_until(|| {
            let recovering = self.sql("postgres", "SELECT pg_is_in_recovery()");
            recovering.is_ok_and(|answer| answer.trim() == "f")
        })
    }
}
