//! A server under attack, and a sender whose deliveries must continue undisturbed.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookgate_testkit::https::{Client, Connection, Http};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::cases::JSON;
use crate::support::{Server, post};

/// Duration of an attack, times the scale.
const ATTACK: Duration = Duration::from_secs(1);
/// Interval between the sender's deliveries.
const PACE: Duration = Duration::from_millis(5);
/// Number of deliveries of a window, two seconds at the usual pace. The median of the windows counts, because a burst of the
/// machine's own work affects only one of them.
const WINDOW: usize = 400;
/// Maximum growth of the server's memory by an attack, in KiB: 64 MiB of its own, and the page caches of the store, which
/// payloads fill.
const MOST_GROWTH: u64 = 96 * 1024;
/// Minimum scale at which the sender's pace is judged: such runs are long enough, and nothing else runs beside them.
const JUDGED: u32 = 10;
/// Maximum slowdown of the slowest hundredth of the deliveries, as a factor.
const MOST_SLOWDOWN: f64 = 2.0;
/// Differences below this come from the machine, not from the attack: without an attack the figure is 0.5 to 1.6 ms,
/// depending on the disk. If the figure without an attack is above this, the run proves nothing.
const NOISE: Duration = Duration::from_millis(3);
/// Maximum duration if attackers who know a URL write records: the sender's commit contains their rows and payloads.
pub(crate) const ON_RECORD: Duration = Duration::from_millis(25);

/// The knowledge of an attacker.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    /// The path of a webhook that accepts everything.
    pub(crate) path: String,
    /// The path of a webhook that refuses everybody.
    pub(crate) closed_path: String,
    /// End of the attack.
    pub(crate) until: Instant,
}

/// Factor of the attacks; 1 by default.
pub(crate) fn scale() -> u32 {
    std::env::var("HOOKGATE_TEST_SCALE").map_or(1, |scale| scale.parse().unwrap())
}

/// `true` if times are judged too.
pub(crate) fn is_judged() -> bool {
    scale() >= JUDGED
}

/// Maximum time of a delivery that nobody holds up. On a machine that is busy with other tests it may take longer.
pub(crate) fn soon() -> Duration {
    if is_judged() {
        Duration::from_secs(1)
    } else {
        Duration::from_secs(20)
    }
}

/// Attacks a new server and checks that it still works. The result of the attack is printed and returned.
pub(crate) fn attack<A, F>(name: &str, attack: A) -> F::Output
where
    A: FnOnce(Target) -> F + Send + 'static,
    F: Future<Output: std::fmt::Debug + Send + 'static>,
{
    attack_within(NOISE, name, attack)
}

/// The same, with an allowed duration for the slowest hundredth of the sender's deliveries.
pub(crate) fn attack_within<A, F>(most: Duration, name: &str, attack: A) -> F::Output
where
    A: FnOnce(Target) -> F + Send + 'static,
    F: Future<Output: std::fmt::Debug + Send + 'static>,
{
    // Concurrent attacks would be one larger attack.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = is_judged().then(|| ONE.lock().unwrap_or_else(PoisonError::into_inner));
    let stage = Stage::set();
    let quiet = stage.deliver_for(ATTACK * scale());
    let before = stage.forget_the_most_memory();
    let is_over = Arc::new(AtomicBool::new(false));
    let (target, tell) = (stage.target(), Arc::clone(&is_over));
    let attacker = std::thread::spawn(move || {
        if is_judged() {
            give_way();
        }
        let outcome = runtime().block_on(async {
            attack(Target {
                until: Instant::now() + ATTACK * scale(),
                ..target
            })
            .await
        });
        tell.store(true, Ordering::Relaxed);
        outcome
    });
    let busy = stage.deliver_while(|| !is_over.load(Ordering::Relaxed) && !attacker.is_finished());
    let outcome = attacker.join().unwrap();
    let growth = stage.memory("VmHWM:").saturating_sub(before);
    let (quiet, busy) = (slowest_hundredth(quiet), slowest_hundredth(busy));
    let ratio = busy.as_secs_f64() / quiet.as_secs_f64();
    println!(
        "{name}: {outcome:?}; p99 {quiet:.1?} quiet, {busy:.1?} under attack: {ratio:.2}; memory +{growth} KiB"
    );
    stage.is_well();
    assert!(growth < MOST_GROWTH, "{name}: {growth} KiB more");
    if is_judged() && quiet > NOISE {
        println!("{name}: the machine is too busy with other things to judge how slow it got");
        return outcome;
    }
    assert!(
        !is_judged() || ratio <= MOST_SLOWDOWN || busy < most,
        "{name}: {ratio:.2} times slower"
    );
    outcome
}

struct Stage {
    server: Server,
    log: PathBuf,
    closed_url: String,
    runtime: Runtime,
    _scratch: TempDir,
}

impl Stage {
    fn set() -> Self {
        let scratch = TempDir::new().unwrap();
        let log = scratch.path().join("log");
        let file = fs::File::create(&log).unwrap();
        let server = Server::start_in(&scratch.path().join("data"), "warn", Stdio::from(file));
        server.json(&["webhook", "edit", "demo", "--max-body", "1048576"]);
        let closed_url = server.create("closed", &["--allow", "192.0.2.1"]);
        if is_judged() {
            // The server has a core to itself. The senders share the other one, and attackers have the lower priority there:
            // a delay by the machine's own scheduler is not the server's.
            pin(server.pid(), 0);
            pin(std::process::id(), 1);
        }
        Self {
            server,
            log,
            closed_url,
            runtime: runtime(),
            _scratch: scratch,
        }
    }

    fn target(&self) -> Target {
        Target {
            client: self.server.client.clone(),
            address: self.server.address(),
            path: path(&self.server.demo_url()),
            closed_path: path(&self.closed_url),
            until: Instant::now(),
        }
    }

    /// Duration of each delivery, sent at a steady pace for this time.
    fn deliver_for(&self, time: Duration) -> Vec<Duration> {
        let _in_runtime = self.runtime.enter();
        let end = Instant::now() + time;
        self.deliver_while(|| Instant::now() < end)
    }

    /// Duration of each delivery, sent at a steady pace as long as `goes_on` holds, and of one at least.
    fn deliver_while(&self, goes_on: impl Fn() -> bool) -> Vec<Duration> {
        let url = self.server.demo_url();
        self.runtime.block_on(async {
            let mut connection = self.connect().await;
            let mut pace = interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut times = Vec::new();
            loop {
                pace.tick().await;
                let begun = Instant::now();
                let answer = connection.send(post(&url, JSON)).await.unwrap();
                assert_eq!(answer.status, 201, "{answer:?}");
                times.push(begun.elapsed());
                if !goes_on() {
                    return times;
                }
            }
        })
    }

    async fn connect(&self) -> Connection {
        self.server
            .client
            .connect(self.server.address(), Http::One)
            .await
            .unwrap()
    }

    /// Checks that the server accepts deliveries over new connections and has not panicked.
    fn is_well(&self) {
        let url = self.server.demo_url();
        for http in Http::BOTH {
            let answer = self.server.post(http, &url, JSON);
            assert_eq!(self.runtime.block_on(answer).status, 201);
        }
        let log = fs::read_to_string(&self.log).unwrap();
        assert!(!log.contains("panicked"), "{log}");
    }

    /// Resets the kernel's peak memory of the server; returns the current memory in KiB.
    fn forget_the_most_memory(&self) -> u64 {
        fs::write(format!("/proc/{}/clear_refs", self.server.pid()), "5").unwrap();
        self.memory("VmHWM:")
    }

    /// A field of the server's memory in `/proc`, in KiB.
    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn path(url: &str) -> String {
    url[url.find("/webhooks/").unwrap()..].to_owned()
}

/// The 99th percentile of each window of deliveries; of these, the median.
fn slowest_hundredth(mut times: Vec<Duration>) -> Duration {
    let whole_windows = times.len() - times.len() % WINDOW;
    if whole_windows > 0 {
        times.truncate(whole_windows);
    }
    let of_window = |window: &mut [Duration]| {
        window.sort_unstable();
        window[(window.len() * 99).div_ceil(100) - 1]
    };
    let mut windows: Vec<_> = times.chunks_mut(WINDOW).map(of_window).collect();
    windows.sort_unstable();
    windows[windows.len() / 2]
}

fn pin(process: u32, core: u32) {
    let (core, process) = (core.to_string(), process.to_string());
    let output = Command::new("taskset").args(["-acp", &core, &process]).output();
    assert!(output.unwrap().status.success());
}

/// Gives the calling thread the lowest priority on its core.
pub(crate) fn give_way() {
    let thread = fs::read_link("/proc/thread-self").unwrap();
    let thread = thread.file_name().unwrap();
    let output = Command::new("chrt")
        .args(["--idle", "--pid", "0"])
        .arg(thread)
        .output();
    assert!(output.unwrap().status.success());
}
