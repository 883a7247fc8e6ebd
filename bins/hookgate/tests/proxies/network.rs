//! Hosts of a small internet: a network namespace each, joined by cables. Everything is gone when it is dropped.
//!
//! | host | addresses |
//! |---|---|
//! | client | 203.0.113.9, 203.0.113.10, 2001:db8:1::9 towards the proxy; 198.51.100.9, 2001:db8:2::9 towards the gate |
//! | proxy | 203.0.113.1, 2001:db8:1::1 towards clients; 10.0.0.2 towards the gate |
//! | gate | 10.0.0.3 towards the proxy; 198.51.100.3, 2001:db8:2::3 towards the client |

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// A host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Client,
    Proxy,
    Gate,
}

/// The hosts with their cables.
pub(crate) struct Network {
    name: String,
}

impl Network {
    /// Creates the hosts. Network namespaces require root.
    pub(crate) fn build() -> Self {
        static BUILT: AtomicU32 = AtomicU32::new(0);
        let number = BUILT.fetch_add(1, Ordering::Relaxed);
        let network = Self {
            name: format!("hookgate-{}-{number}", std::process::id()),
        };
        let namespaces = [Host::Client, Host::Proxy, Host::Gate].map(|host| network.namespace(host));
        for namespace in &namespaces {
            ip(&["netns", "add", namespace]);
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
        }
        network.cable(
            (
                Host::Client,
                "outside",
                &["203.0.113.9/24", "203.0.113.10/24", "2001:db8:1::9/64"],
            ),
            (Host::Proxy, "outside", &["203.0.113.1/24", "2001:db8:1::1/64"]),
        );
        network.cable(
            (Host::Proxy, "inside", &["10.0.0.2/24"]),
            (Host::Gate, "inside", &["10.0.0.3/24"]),
        );
        network.cable(
            (Host::Client, "direct", &["198.51.100.9/24", "2001:db8:2::9/64"]),
            (Host::Gate, "direct", &["198.51.100.3/24", "2001:db8:2::3/64"]),
        );
        network
    }

    /// A command that runs a program on a host.
    pub(crate) fn on(&self, host: Host, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host), program]);
        command
    }

    fn namespace(&self, host: Host) -> String {
        format!("{}-{host:?}", self.name)
    }

    fn cable(&self, one: (Host, &str, &[&str]), other: (Host, &str, &[&str])) {
        let [first, second] = [one.0, other.0].map(|host| self.namespace(host));
        ip(&[
            "link", "add", one.1, "netns", &first, "type", "veth", "peer", "name", other.1, "netns", &second,
        ]);
        for (namespace, (_, link, addresses)) in [(&first, one), (&second, other)] {
            for address in addresses {
                // Without duplicate address detection, so that an IPv6 address can be used at once.
                let nodad: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
                ip(&[&["-n", namespace, "address", "add", address, "dev", link], nodad].concat());
            }
            ip(&["-n", namespace, "link", "set", link, "up"]);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in [Host::Client, Host::Proxy, Host::Gate] {
            let _ = run(&["netns", "del", &self.namespace(host)]);
        }
    }
}

fn ip(arguments: &[&str]) {
    let output = run(arguments);
    assert!(
        output.status.success(),
        "ip {}: {} (network namespaces take root)",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn run(arguments: &[&str]) -> Output {
    Command::new("ip").args(arguments).output().expect("iproute2")
}
