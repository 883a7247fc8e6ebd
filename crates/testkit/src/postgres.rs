//! A throw-away PostgreSQL for tests, from Debian's packages. It ends with the test process, also if that is killed.

mod programs;
mod replication;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::https::Outcome;
use crate::ports;
use programs::Programs;

const USER: &str = "hookgate";
const PASSWORD: &str = "not-a-secret";
/// Number of attempts to connect after a start, and the pause between: half a minute in all.
const LOOKS: u32 = 600;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Runs the server and stops it when its standard input is closed or gets a line. It removes the directory too, unless
/// the line is `keep`.
const KEEPER: &str = r#"directory=$1; shift; "$@" & server=$!; read -r word; kill -QUIT "$server" 2>/dev/null; wait
    test "$word" = keep || rm -rf "$directory""#;

/// A server with a directory of its own.
pub struct Postgres {
    programs: Programs,
    directory: TempDir,
    port: u16,
    keeper: Option<Child>,
}

impl Postgres {
    /// Starts a fresh server.
    ///
    /// # Errors
    /// If Debian's package `postgresql` is missing, or the server doesn't start.
    pub fn start() -> Outcome<Self> {
        Self::start_with(&[])
    }

    /// Starts a fresh server that speaks TLS only, with this certificate and key (PEM).
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_with_tls(certificate: &str, key: &str) -> Outcome<Self> {
        Self::start_with(&[("server.crt", certificate), ("server.key", key)])
    }

    /// The server that all tests of a process share.
    ///
    /// # Panics
    /// If it doesn't start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().expect("a PostgreSQL server"))
    }

    /// Creates an empty database; returns its URL.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn database(&self) -> Outcome<String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {USER}"))?;
        Ok(self.url(&name))
    }

    /// The URL of a database of this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        url_at(self.address(), database)
    }

    /// The address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Runs SQL as the superuser; returns the output.
    ///
    /// # Errors
    /// If it fails.
    pub fn sql(&self, database: &str, text: &str) -> Outcome<String> {
        programs::output(self.session(database).args(["-c", text]))
    }

    /// The command of psql as the superuser, which reads SQL from its standard input.
    #[must_use]
    pub fn session(&self, database: &str) -> Command {
        let mut command = self.programs.command("psql");
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]);
        self.local(&mut command, database);
        command
    }

    /// A dump of a database, as SQL.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn dump(&self, database: &str) -> Outcome<String> {
        let mut command = self.programs.command("pg_dump");
        self.local(&mut command, database);
        programs::output(&mut command)
    }

    fn local(&self, command: &mut Command, database: &str) {
        command.arg("-h").arg(self.directory.path());
        command.args(["-U", "postgres", "-p", &self.port.to_string(), "-d", database]);
    }

    /// Kills the server, as a power cut would.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.wait();
    }

    /// Starts the server again after [`kill`](Self::kill).
    ///
    /// # Errors
    /// If it doesn't start.
    pub fn start_again(&mut self) -> Outcome<()> {
        let data = self.data();
        // A killed server leaves its PID file.
        let _ = fs::remove_file(data.join("postmaster.pid"));
        self.run()
    }

    /// Pauses all processes of the server: connections stay open, and nothing answers.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Continues all processes after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn start_with(files: &[(&str, &str)]) -> Outcome<Self> {
        let mut server = Self::prepare()?;
        let password = server.directory.path().join("password");
        fs::write(&password, PASSWORD)?;
        server.programs.give(&password)?;
        let mut init = server.programs.command("initdb");
        init.args([
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-U",
            "postgres",
            "-D",
        ]);
        init.arg(server.data());
        init.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"]);
        programs::output(init.arg(&password))?;
        let mut settings = fs::OpenOptions::new()
            .append(true)
            .open(server.data().join("postgresql.conf"))?;
        settings.write_all(b"max_connections = 200\nlog_min_messages = fatal\nmax_wal_size = 2GB\n")?;
        for (name, content) in files {
            let path = server.data().join(name);
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            server.programs.give(&path)?;
        }
        if !files.is_empty() {
            settings.write_all(b"ssl = on\n")?;
            let hosts = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
            fs::write(server.data().join("pg_hba.conf"), hosts)?;
        }
        server.run()?;
        server.sql(
            "postgres",
            &format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"),
        )?;
        Ok(server)
    }

    fn prepare() -> Outcome<Self> {
        let programs = Programs::find()?;
        let directory = tempfile::Builder::new().prefix("pg").tempdir()?;
        programs.give(directory.path())?;
        let port = ports::reserve()?;
        Ok(Self {
            programs,
            directory,
            port,
            keeper: None,
        })
    }

    fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    fn run(&mut self) -> Outcome<()> {
        let server = self.programs.path("postgres");
        let mut keeper = self.programs.as_user(Command::new("sh"));
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(self.directory.path())
            .arg(server);
        keeper
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.directory.path());
        keeper.args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        let log = fs::File::create(self.directory.path().join("log"))?;
        keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .current_dir(self.directory.path());
        self.keeper = Some(keeper.spawn()?);
        wait_until(|| self.sql("postgres", "SELECT 1").is_ok()).map_err(|_| {
            let log = fs::read_to_string(self.directory.path().join("log"));
            format!("PostgreSQL does not start: {}", log.unwrap_or_default()).into()
        })
    }

    /// The server and its children.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let Some(keeper) = &self.keeper else {
            return Vec::new();
        };
        let servers = programs::children(&[keeper.id()]);
        let mut all = servers.clone();
        all.extend(programs::children(&servers));
        all
    }

    fn signal(&self, name: &str) {
        let numbers = self.processes().iter().map(u32::to_string).collect::<Vec<_>>();
        let kill = format!("kill -{name} {}", numbers.join(" "));
        let _ = Command::new("sh")
            .args(["-c", &kill])
            .stderr(Stdio::null())
            .status();
    }

    fn wait(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            if let Some(mut input) = keeper.stdin.take() {
                let _ = input.write_all(b"keep\n");
            }
            let _ = keeper.wait();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.resume();
        self.signal("QUIT");
        self.wait();
    }
}

/// The URL of a database by way of this address, such as that of a proxy.
#[must_use]
pub fn url_at(address: SocketAddr, database: &str) -> String {
    format!("postgres://{USER}:{PASSWORD}@{address}/{database}?sslmode=disable")
}

fn wait_until(is_there: impl Fn() -> bool) -> Outcome<()> {
    for _ in 0..LOOKS {
        if is_there() {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err("PostgreSQL does not answer".into())
}
