//! Every screen with sample data: ordinary, and as hostile as senders and people can make it. The gallery shows the same.

use std::net::IpAddr;
use std::time::Duration;

use hookgate_domain::client_address::Trail;
use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::{
    DeliveryId, ForwardingHeader, IncidentNumber, IncidentStatus, OrganizationId, RefusalCode, RequestId,
    Severity, Timestamp, WebhookHandle,
};
use hookgate_pages::{
    Account, AddressSetDetail, AddressSetFacts, AddressSetForm, AddressSetList, AuditActor, AuditFilter,
    AuditRow, AuditTrail, Bucket, Chart, Confirm, Conflict, ConflictRow, DeliveryDetail, DeliveryRow,
    EditWebhook, ErrorPage, ErrorScreen, FailedSignIns, Failing, Flash, FlashKind, IgnoredHeader, Impact,
    IncidentDetail, IncidentList, IncidentRow, Issue, Issued, KeptForm, LogFilter, Logs, MemberRow, Members,
    NewWebhook, NoteForm, Observed, Paging, Payload, PayloadFault, Preview, PreviewSender, Problem, Range,
    RegenerateConfirm, RenderError, RetiredUrlUse, RevokeConfirm, SearchResults, SearchedWebhook, Series,
    SessionRow, SetChange, SetVersionRow, Shell, ShownAnswer, SignIn, SignInLink, SignInLinkMade, SourceRow,
    TimelineEntry, TokenMade, TokenRow, Tokens, UserText, Verdict, WebhookDetail, WebhookFacts,
    WebhookFilter, WebhookForm, WebhookList, WebhookRow, allowlist_lines,
};
use hookgate_people::{Actor, AuditAct, AuditEntry, AuditSubject, MemberId, Role, TokenId};

/// The time of all samples.
const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);
/// Length of a bucket of the sample chart.
const QUARTER: Duration = Duration::from_mins(15);
const HOSTILE: &str =
    "\"><script>alert('1')</script><img src=x onerror=alert(1)>\u{202E}\u{2066}\0\x1B[31m=HYPERLINK(\"x\")";

/// The kind of sample data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary,
    Hostile,
    /// Every count is at most one.
    Single,
}

/// A screen with its name.
type Sample = (&'static str, Result<String, RenderError>);

/// All screens with their names.
pub(crate) fn all(kind: Kind) -> Vec<(&'static str, String)> {
    let samples = Samples { kind };
    let mut all = samples.signed_out();
    all.extend(samples.webhooks());
    all.extend(samples.address_sets());
    all.extend(samples.deliveries());
    all.extend(samples.incidents());
    all.extend(samples.search());
    all.extend(samples.people());
    let rendered = |(name, page): Sample| (name, page.expect(name));
    all.into_iter().map(rendered).collect()
}

/// A fragment for the live stream.
pub(crate) fn live_row(kind: Kind) -> String {
    Samples { kind }.delivery(3).render().expect("a row")
}

/// A fragment for the script's preview.
pub(crate) fn preview() -> String {
    let kind = Kind::Ordinary;
    Samples { kind }.preview().render().expect("a preview")
}

struct Samples {
    kind: Kind,
}

fn ago(hours: u64) -> Timestamp {
    NOW.before(Duration::from_hours(hours))
}

fn signed(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(0)
}

fn trail() -> Trail {
    let text = "connection 10.0.0.2 trusted; x-forwarded-for 203.0.113.9 client";
    text.parse().expect("a trail")
}

fn ignored_header() -> IgnoredHeader {
    IgnoredHeader {
        peer: IpAddr::from([10, 0, 0, 2]),
        header: ForwardingHeader::XForwardedFor,
    }
}

fn source(index: usize) -> IpAddr {
    let last = u8::try_from(index % 200).unwrap_or(0);
    match index % 5 {
        4 => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]),
        _ => IpAddr::from([198, 51, 100, last]),
    }
}

fn request_id(index: usize) -> RequestId {
    RequestId::new(NOW, 7, u32::try_from(index).unwrap_or(0))
}

fn handle(index: u8) -> WebhookHandle {
    WebhookHandle::new(ago(2_000), [index; 10])
}

fn incident(number: i64) -> IncidentNumber {
    IncidentNumber::new(number).expect("positive")
}

impl Samples {
    /// The ordinary text, or the hostile one, made long.
    fn text(&self, ordinary: &str) -> UserText {
        self.string(ordinary).into()
    }

    fn string(&self, ordinary: &str) -> String {
        match self.kind {
            Kind::Ordinary | Kind::Single => ordinary.to_owned(),
            Kind::Hostile => HOSTILE.to_owned() + &"x".repeat(300),
        }
    }

    /// The number, at most one for `Kind::Single`.
    fn number(&self, ordinary: u64) -> u64 {
        if self.kind == Kind::Single {
            ordinary.min(1)
        } else {
            ordinary
        }
    }

    fn shell(&self, flash: Option<(FlashKind, &str)>) -> Shell {
        Shell {
            user: self.text("Ada Example"),
            role: "owner".to_owned(),
            organization: self.text("Example Works"),
            csrf: "q7Hs2".to_owned(),
            once: "4f2a".to_owned(),
            now: NOW,
            flash: flash.map(|(kind, text)| Flash {
                kind,
                text: self.text(text),
            }),
        }
    }

    fn signed_out(&self) -> Vec<Sample> {
        let sign_in = |problem: Option<&str>| SignIn {
            csrf: "q7Hs2".to_owned(),
            name: self.string("ada"),
            next: "/logs".to_owned(),
            kept: problem.map(|_| KeptForm {
                path: "/webhooks/new".to_owned(),
                fields: "name=Disk+alerts".to_owned(),
            }),
            problem: problem.map(|text| self.text(text)),
            retry_after: problem.map(|_| Duration::from_secs(40)),
        };
        let link = |problem: Option<&str>| SignInLink {
            csrf: "q7Hs2".to_owned(),
            secret: "7QbcDeF".into(),
            member: self.text("Ada Example"),
            problem: problem.map(|text| self.text(text)),
        };
        let error = ErrorPage {
            status: 404,
            title: "Not found".to_owned(),
            sentence: self.text("There is nothing at this address; the webhook may have another handle."),
            request_id: self.text("req_01j9zk3v5x"),
        };
        let inside = ErrorScreen {
            shell: self.shell(None),
            status: 404,
            title: "Page not found".to_owned(),
            sentence: self.text("There is no incident INC-999."),
            back: ("/incidents", "Back to incidents"),
            request_id: self.text("req_01j9zk3v5x"),
        };
        vec![
            ("error-inside", inside.render()),
            ("sign-in", sign_in(None).render()),
            (
                "sign-in-failed",
                sign_in(Some("Name or password is wrong.")).render(),
            ),
            ("sign-in-link", link(None).render()),
            (
                "sign-in-link-used",
                link(Some("The link was used already.")).render(),
            ),
            ("error", error.render()),
        ]
    }

    fn webhook_row(&self, index: usize) -> WebhookRow {
        let names = [
            "Alertmanager production",
            "Grafana staging",
            "Nightly backups",
            "Datadog EU",
        ];
        let rotation = [
            RotationAge::Fresh { days_left: 40 },
            RotationAge::Due {
                days_over: self.number(12),
            },
            RotationAge::Exposed { since: ago(3) },
            RotationAge::NotTracked,
        ];
        let hour = |hour: u64| {
            (
                (hour * 7 + index as u64 * 3) % 13,
                u64::from((hour + index as u64).is_multiple_of(9)),
            )
        };
        WebhookRow {
            handle: handle(u8::try_from(index).unwrap_or(0)),
            name: self.text(names[index % 4]),
            revoked: index % 7 == 6,
            failing: index % 7 == 3,
            hint: format!("wh_3k{}x", index % 10),
            issued_at: ago(24 * self.number(20 + 34 * index as u64 % 140)),
            rotation: rotation[index % 4],
            last_seen: (index % 6 != 5).then(|| ago(index as u64)),
            hours: if index % 6 == 5 {
                vec![(0, 0); 24]
            } else {
                (0..24).map(hour).collect()
            },
            has_allowlist: index.is_multiple_of(2),
        }
    }

    fn address_sets(&self) -> Vec<Sample> {
        let facts = |name: &str, provider: &str| AddressSetFacts {
            name: name.parse().expect("a name"),
            provider: provider.to_owned(),
            filter: if provider == "aws" {
                "service=EC2, region=eu-west-1"
            } else {
                ""
            }
            .to_owned(),
            url: (!provider.is_empty()).then(|| self.text("https://ip-ranges.amazonaws.com/ip-ranges.json")),
            version: 7,
            networks: self.number(9_412),
            changed_at: ago(30),
            pending: (provider == "aws").then_some(8),
            read_at: (!provider.is_empty()).then(|| ago(3)),
            fault: (provider == "github").then(|| self.text("it answers 503 Service Unavailable")),
            stale: provider == "stripe",
        };
        let problem = |field: &str, message: &str| Problem {
            field: field.to_owned(),
            message: self.text(message),
        };
        let list = |rows: Vec<AddressSetFacts>, problems: Vec<Problem>| AddressSetList {
            shell: self.shell(None),
            rows,
            form: AddressSetForm {
                name: self.string("office"),
                networks: self.string("192.0.2.0/24"),
                filter: self.string("service=EC2"),
                url: self.string("https://example.org/list"),
                document: self.string("192.0.2.0/24"),
                ..AddressSetForm::default()
            },
            problems,
        };
        let all = ["", "aws", "github", "stripe"].map(|provider| facts("aws-ec2", provider));
        let version = |number: i64| SetVersionRow {
            number,
            state: ["pending", "active", "replaced"][usize::try_from(8 - number).unwrap_or(2).min(2)],
            made_at: ago(24),
            made_by: self.text("hookgate"),
            networks: self.number(9_412),
            added: self.number(12),
            removed: self.number(5_000),
        };
        let detail = |provider: &str, problems: Vec<Problem>| AddressSetDetail {
            shell: self.shell(Some((FlashKind::Done, "Published list downloaded."))),
            set: facts("aws-ec2", provider),
            networks: "192.0.2.0/24\n2001:db8::/32".to_owned(),
            revision: 40,
            conflict: None,
            uses: (
                self.number(30),
                vec![(handle(0), self.text("Alertmanager production"))],
            ),
            versions: (1..=8).rev().map(version).collect(),
            warnings: vec!["0.0.0.0/0 allows every IPv4 address".to_owned()],
            change: (provider == "aws").then(|| SetChange {
                added: vec!["192.0.2.0/24".to_owned()],
                removed: (0..self.number(60))
                    .map(|index| format!("198.51.100.{index}/32"))
                    .collect(),
                days: u16::try_from(self.number(7)).unwrap_or(7),
                webhooks: Some(vec![(
                    self.text("Alertmanager production"),
                    self.number(2),
                    self.number(9),
                    self.number(1_840),
                )]),
                unknown: self.number(7),
            }),
            problems,
        };
        vec![
            ("address-sets-empty", list(Vec::new(), Vec::new()).render()),
            (
                "address-sets",
                list(all.to_vec(), vec![problem("name", "this name is already in use")]).render(),
            ),
            (
                "address-set-own",
                detail("", vec![problem("networks", "entry 2: not an IP address")]).render(),
            ),
            ("address-set-pending", detail("aws", Vec::new()).render()),
            ("address-set-failed", detail("github", Vec::new()).render()),
        ]
    }

    fn webhooks(&self) -> Vec<Sample> {
        let list = |rows: usize| WebhookList {
            shell: self.shell(Some((FlashKind::Done, "Grafana staging was revoked."))),
            filter: WebhookFilter::default(),
            rows: (0..rows).map(|index| self.webhook_row(index)).collect(),
            paging: Paging {
                newer: None,
                older: (rows > 20).then(|| "c2F&\"=".to_owned()),
            },
            proxy: (rows == 8).then(|| IpAddr::from([10, 0, 0, 2])),
        };
        let form = WebhookForm {
            name: self.string("Alertmanager production"),
            allowlist: self.string("198.51.100.0/24\n192.168.1.5/24\n10.0.0.0/8"),
            ..WebhookForm::default()
        };
        let problem = |field: &str, message: &str| Problem {
            field: field.to_owned(),
            message: self.text(message),
        };
        let problems = vec![
            problem("name", "Another webhook has this name."),
            problem("allowlist", "An entry of the allowlist is not valid."),
            problem("body_bytes", "The largest payload is 1 to 1,048,576 bytes."),
        ];
        let new = |problems: Vec<Problem>, form: WebhookForm| NewWebhook {
            shell: self.shell(None),
            form,
            problems,
        };
        let edit = |problems: Vec<Problem>, preview: Option<Preview>| EditWebhook {
            shell: self.shell(None),
            handle: handle(0),
            name: self.text("Alertmanager production"),
            revision: 7,
            conflict: None,
            form: form.clone(),
            problems,
            preview,
        };
        let url = "https://hooks.example.org/webhooks/custom/wh_3kQbXzT1mP9sVn2LrY7cKd4WfHa8EjGu0iBoN5";
        let issued = |issue: Issue, secret: Option<&str>| Issued {
            shell: self.shell(None),
            handle: handle(0),
            name: self.text("Alertmanager production"),
            issue,
            url: Some(url.into()),
            signing_secret: secret.map(Into::into),
            ca_file: Some("/etc/hookgate/ca.pem".to_owned()),
        };
        let mut pages = vec![
            (
                "webhooks-empty",
                WebhookList {
                    rows: Vec::new(),
                    ..list(0)
                }
                .render(),
            ),
            ("webhooks", list(8).render()),
            ("webhooks-50", list(50).render()),
            ("webhook-new", new(Vec::new(), WebhookForm::default()).render()),
            ("webhook-new-wrong", new(problems.clone(), form.clone()).render()),
            ("webhook-issued", issued(Issue::Created, None).render()),
            (
                "webhook-regenerated",
                issued(Issue::Regenerated, Some("whsec_bm90IGEgc2VjcmV0")).render(),
            ),
            (
                "webhook-shown",
                Issued {
                    url: None,
                    ..issued(Issue::Created, None)
                }
                .render(),
            ),
            ("webhook-edit", edit(Vec::new(), Some(self.preview())).render()),
            (
                "webhook-edit-conflict",
                EditWebhook {
                    conflict: Some(self.conflict()),
                    ..edit(Vec::new(), None)
                }
                .render(),
            ),
            (
                "webhook-edit-wrong",
                edit(
                    problems,
                    Some(Preview {
                        lines: allowlist_lines(&form.allowlist),
                        ..Preview::default()
                    }),
                )
                .render(),
            ),
        ];
        pages.extend(self.webhook_pages());
        pages
    }

    fn conflict(&self) -> Conflict {
        Conflict {
            by: Some(self.text("Bo Sample")),
            at: Some(ago(1)),
            now: NOW,
            revision: 9,
            rows: vec![ConflictRow {
                label: "Allowlist",
                theirs: self.text("192.0.2.1"),
                mine: self.text("198.51.100.0/24"),
            }],
            theirs: format!("/webhooks/{}/edit", handle(0)),
        }
    }

    fn preview(&self) -> Preview {
        let sender = |index: usize| PreviewSender {
            source: source(index),
            deliveries: self.number(1_840 / (index as u64 + 1)),
            last_seen: ago(index as u64),
            passes_now: index != 3,
            passes_then: index > 1,
        };
        Preview {
            lines: allowlist_lines("198.51.100.0/24, 10.0.0.0/8"),
            problem: None,
            days: 30,
            senders: (0..5).map(sender).collect(),
            more: self.number(12),
            stopping: 1,
            stopping_deliveries: self.number(1_840),
            beyond: self.number(7),
            your_address: Some((source(9), false)),
        }
    }

    fn sources(&self) -> Vec<SourceRow> {
        let row = |index: usize| SourceRow {
            source: source(index).to_string(),
            accepted: self.number(1_204 / (index as u64 + 1)),
            refused: if index == 2 { self.number(31) } else { 0 },
            reasons: if index == 2 {
                vec![(RefusalCode::IpNotAllowed, self.number(30))]
            } else {
                Vec::new()
            },
            would_be_refused: u64::from(index == 1),
            first_seen: ago(if index == 2 { 3 } else { 900 }),
            last_seen: ago(index as u64),
            unknown: index == 2,
        };
        (0..5).map(row).collect()
    }

    fn facts(&self) -> WebhookFacts {
        WebhookFacts {
            handle: handle(0),
            name: self.text("Alertmanager production"),
            format: "custom".to_owned(),
            hint: "wh_3kQb".to_owned(),
            created_at: ago(4_000),
            issued_at: ago(24 * self.number(102)),
            rotation: RotationAge::Due {
                days_over: self.number(12),
            },
            revoked_at: None,
            networks: (0..12).map(|index| format!("198.51.{index}.0/24")).collect(),
            allowlist_mode: AllowlistMode::Observe,
            body_bytes: 262_144,
            per_minute: u32::try_from(self.number(120)).ok(),
            postpones: true,
            payload_logging: true,
            signed: false,
            leaver: None,
            revoked_by: None,
            rotation_days: u16::try_from(self.number(90)).ok(),
        }
    }

    fn chart(&self) -> Chart {
        if self.kind == Kind::Single {
            return Chart::of(Series {
                start: ago(24),
                step: QUARTER,
                buckets: vec![Bucket {
                    accepted: 1,
                    refused: vec![(RefusalCode::InvalidJson, 1)],
                    is_spike: true,
                }],
            });
        }
        let bucket = |index: usize| Bucket {
            accepted: if index == 70 {
                160
            } else {
                (index as u64 * 11) % 17 + 4
            },
            refused: vec![
                (RefusalCode::IpNotAllowed, (index as u64 * 5) % 7),
                (RefusalCode::InvalidJson, u64::from(index % 3 == 1) * 4),
                (RefusalCode::RateLimited, u64::from(index % 11 == 1) * 3),
            ],
            is_spike: index == 70,
        };
        Chart::of(Series {
            start: ago(24),
            step: QUARTER,
            buckets: (0..96).map(bucket).collect(),
        })
    }

    fn webhook_pages(&self) -> Vec<Sample> {
        let detail = WebhookDetail {
            shell: self.shell(None),
            webhook: self.facts(),
            range: Range::Day,
            chart: self.chart(),
            failing: Some(Failing {
                code: RefusalCode::ValidationError,
                accepted: 0,
                refused: if self.kind == Kind::Single {
                    vec![(RefusalCode::ValidationError, 1)]
                } else {
                    vec![(RefusalCode::ValidationError, 9), (RefusalCode::InvalidJson, 3)]
                },
            }),
            observed: Some(Observed {
                since: ago(72),
                counted_from: ago(72),
                senders: self.number(12),
                refused_senders: self.number(6),
                deliveries: self.number(120),
                refused_deliveries: self.number(57),
                beyond: self.number(7),
            }),
            ignored: Some(ignored_header()),
            retired: Some(RetiredUrlUse {
                since: ago(5),
                accepted: 0,
                refused: self.number(12),
                last: Some(ago(1)),
                complete: true,
            }),
            sources: self.sources(),
            recent: (0..20).map(|index| self.delivery(index)).collect(),
        };
        let quiet = WebhookDetail {
            webhook: WebhookFacts {
                revoked_at: Some(ago(5)),
                networks: Vec::new(),
                ..self.facts()
            },
            chart: Chart::of(Series {
                start: ago(24),
                step: QUARTER,
                buckets: vec![Bucket::default(); 96],
            }),
            sources: Vec::new(),
            recent: Vec::new(),
            ..detail.clone()
        };
        let impact = || Impact {
            deliveries_day: self.number(1_204),
            senders_day: self.number(3),
            deliveries_week: self.number(9_872),
            senders_week: self.number(5),
            last_seen: Some(ago(1)),
            sources: self.sources(),
        };
        let regenerate = RegenerateConfirm {
            shell: self.shell(None),
            handle: handle(0),
            name: self.text("Alertmanager production"),
            hint: "wh_3kQb".to_owned(),
            impact: impact(),
        };
        let revoke = RevokeConfirm {
            shell: self.shell(None),
            handle: handle(0),
            name: self.text("Alertmanager production"),
            hint: "wh_3kQb".to_owned(),
            impact: impact(),
            problem: Some(self.text("That is not the webhook's name.")),
        };
        let confirm = Confirm {
            shell: self.shell(None),
            title: "Remove this member?".to_owned(),
            consequences: vec![
                self.text("All sessions of this member end immediately."),
                self.text("2 tokens stop working."),
            ],
            affected: Vec::new(),
            action: "/members/7/remove".to_owned(),
            fields: vec![("why".to_owned(), self.string("left"))],
            button: "Remove member".to_owned(),
            back: "/members".to_owned(),
        };
        vec![
            ("webhook", detail.render()),
            ("webhook-quiet", quiet.render()),
            ("webhook-regenerate", regenerate.render()),
            ("webhook-revoke", revoke.render()),
            ("confirm", confirm.render()),
        ]
    }

    fn delivery(&self, index: usize) -> DeliveryRow {
        let verdict = match index % 5 {
            0 | 2 => Verdict::Opened,
            1 => Verdict::Updated,
            3 => Verdict::Refused(RefusalCode::IpNotAllowed),
            _ => Verdict::Postponed(RefusalCode::RateLimited),
        };
        let accepted = matches!(verdict, Verdict::Opened | Verdict::Updated | Verdict::Unmatched);
        let agents = ["Alertmanager/0.32.0", "curl/8.5.0", "Grafana/12.1"];
        DeliveryRow {
            id: DeliveryId::from_number(90_000 - signed(index)).expect("positive"),
            webhook: handle(0),
            webhook_name: self.text("Alertmanager production"),
            received_at: NOW.before(Duration::from_secs(97 * index as u64)),
            source: source(index),
            user_agent: (index % 8 != 7).then(|| self.text(agents[index % 3])),
            verdict,
            would_be_refused: accepted && index % 3 == 2,
            status: [201, 200, 201, 403, 503][index % 5],
            incident: accepted.then(|| incident(40 + signed(index))),
            count: match (index % 5, self.kind) {
                (3, Kind::Single) => 2,
                (3, _) => 128,
                _ => 1,
            },
            request_id: Some(request_id(index)),
        }
    }

    fn deliveries(&self) -> Vec<Sample> {
        let logs = |rows: usize, filter: LogFilter| Logs {
            shell: self.shell(None),
            webhooks: (0..3)
                .map(|index| (handle(index), self.text("Grafana staging")))
                .collect(),
            filter,
            problems: Vec::new(),
            rows: (0..rows).map(|index| self.delivery(index)).collect(),
            paging: Paging {
                newer: None,
                older: Some("b2xk".to_owned()),
            },
        };
        let filter = LogFilter {
            outcome: "refused".to_owned(),
            source: self.string("198.51.100.0/24"),
            ..LogFilter::default()
        };
        let wrong = Logs {
            problems: vec![Problem {
                field: "source".to_owned(),
                message: self.text("Not a network."),
            }],
            ..logs(0, filter.clone())
        };
        let json = "{\n  \"title\": \"Disk full on db1\",\n  \"severity\": \"high\"\n}";
        let detail = |index: usize, payload: Payload| {
            DeliveryDetail {
            shell: self.shell(None),
            row: self.delivery(index),
            incidents: Vec::new(),
            withheld: false,
            headers: vec![
                (self.text("content-type"), self.text("application/json")),
                (self.text("user-agent"), self.text("Alertmanager/0.32.0")),
            ],
            payload,
            trail: Some(trail()),
            ignored: None,
            notes: vec![self.text("The title was longer than 500 characters, so it was cut. The payload has the full value.")],
            faults: vec![PayloadFault::PerMinute(self.number(60)), PayloadFault::Bytes(self.number(300)), PayloadFault::Field {
                field: self.string("severity"),
                rule: "one_of".to_owned(),
                limit: Some("SEV0, SEV1, SEV2, SEV3, SEV4".to_owned()),
                value: Some(self.text("purple")),
            }],
            answer: Some(ShownAnswer {
                headers: vec![("X-Request-Id", request_id(index).to_string())],
                body: self.text("{\"success\":false,\"error\":{\"code\":\"IP_NOT_ALLOWED\",\"message\":\"Source address is not allowed for this webhook\"}}"),
            }),
            timing: vec![("Judged", Duration::from_micros(41)), ("Read", Duration::from_micros(310)), ("Committed", Duration::from_micros(2_140))],
        }
        };
        let huge = format!("{}{}", self.string(json), "\"<\u{202E}&".repeat(100_000));
        let kept = |text: String| Payload::Stored {
            raw: text.clone().into(),
            bytes: text.len() as u64,
            whole: None,
            pretty: Some(text.into()),
        };
        let cut = |text: String| Payload::Stored {
            raw: text.into(),
            pretty: None,
            bytes: 8_192,
            whole: Some(1_048_576),
        };
        let refused = detail(3, Payload::Absent("It was refused before its payload was read."));
        vec![
            ("logs", logs(50, LogFilter::default()).render()),
            ("logs-empty", logs(0, filter).render()),
            ("logs-wrong", wrong.render()),
            ("delivery", detail(0, kept(self.string(json))).render()),
            (
                "delivery-of-several-incidents",
                DeliveryDetail {
                    incidents: (1..=3)
                        .map(|number| IncidentNumber::new(number).expect("a number"))
                        .collect(),
                    trail: None,
                    ..detail(0, kept(self.string(json)))
                }
                .render(),
            ),
            ("delivery-refused", refused.clone().render()),
            ("delivery-cut", detail(3, cut(self.string(json))).render()),
            (
                "delivery-accepted-from-proxy",
                DeliveryDetail {
                    trail: None,
                    ..Self::of_untrusted_proxy(detail(0, kept(self.string(json))))
                }
                .render(),
            ),
            (
                "delivery-untrusted-proxy",
                Self::of_untrusted_proxy(refused).render(),
            ),
            ("delivery-huge", detail(1, kept(huge)).render()),
        ]
    }

    fn of_untrusted_proxy(mut detail: DeliveryDetail) -> DeliveryDetail {
        detail.row.source = IpAddr::from([10, 0, 0, 2]);
        let trail = "x-forwarded-for untrusted; connection 10.0.0.2 client".parse();
        detail.trail = Some(trail.expect("a trail"));
        detail.ignored = Some(ignored_header());
        detail
    }

    fn incident_row(&self, index: usize) -> IncidentRow {
        let statuses = [
            IncidentStatus::Open,
            IncidentStatus::Acknowledged,
            IncidentStatus::Resolved,
        ];
        IncidentRow {
            number: incident(90 - signed(index)),
            title: self.text("Disk full on db1: 98 % of /var used"),
            severity: [Severity::Sev1, Severity::Sev2, Severity::Sev0][index % 3],
            status: statuses[index % 3],
            webhook: handle(0),
            webhook_name: self.text("Alertmanager production"),
            occurrences: self.number(3 + index as u64 * 40),
            opened_at: ago(index as u64 + 2),
            updated_at: ago(index as u64),
        }
    }

    fn search(&self) -> Vec<Sample> {
        let results = |rows: usize| SearchResults {
            shell: self.shell(None),
            text: self.text("disk"),
            webhooks: (0..u8::try_from(rows).unwrap_or_default())
                .map(|index| SearchedWebhook {
                    handle: handle(index),
                    name: self.text("disk checks"),
                    hint: "wh_3kQz".to_owned(),
                    revoked: index == 1,
                })
                .collect(),
            incidents: (0..rows).map(|index| self.incident_row(index)).collect(),
            incomplete: rows > 0,
        };
        vec![
            ("search", results(2).render()),
            ("search-empty", results(0).render()),
        ]
    }

    fn incidents(&self) -> Vec<Sample> {
        let list = |rows: usize, status: Option<IncidentStatus>| IncidentList {
            shell: self.shell(None),
            status,
            open: self.number(12),
            acknowledged: self.number(1_204),
            rows: (0..rows).map(|index| self.incident_row(index)).collect(),
            paging: Paging {
                newer: Some("bmV3".to_owned()),
                older: Some("b2xk".to_owned()),
            },
        };
        let happened = |before, what: &'static str| TimelineEntry {
            at: ago(before),
            until: None,
            what: self.text(what),
            note: None,
            delivery: None,
        };
        let detail = |index: usize, link: &str| IncidentDetail {
            shell: self.shell(None),
            row: self.incident_row(index),
            description: Some(self.text("The volume fills by 2 GB an hour.\nRunbook: clean /var/log.")),
            service: Some(self.text("database")),
            source_url: Some(link.into()),
            dedup_key: Some(self.text("db1/disk")),
            withheld: false,
            metadata: vec![
                (self.text("cluster"), self.text("eu-1")),
                (self.text("free"), self.text("2 %")),
            ],
            summary: self.text("Open for 12 min, acknowledged after 3 min by Ada Example."),
            timeline: vec![
                TimelineEntry {
                    note: Some(self.text("The log partition. Rotating it by hand.")),
                    ..happened(1, "Note by root (command line)")
                },
                happened(1, "Acknowledged by Ada Example"),
                TimelineEntry {
                    until: Some(ago(1)),
                    ..happened(2, "Updated by 7 deliveries")
                },
                TimelineEntry {
                    delivery: DeliveryId::from_number(7),
                    ..happened(3, "Severity changed from SEV2 to SEV0 by the sender")
                },
                happened(3, "Opened by a delivery"),
            ],
            can_be_reopened: false,
            note: NoteForm::default(),
            deliveries: (0..3).map(|index| self.delivery(index)).collect(),
        };
        vec![
            ("incidents", list(50, None).render()),
            ("incidents-empty", list(0, Some(IncidentStatus::Open)).render()),
            (
                "incident",
                detail(0, "https://grafana.example.org/d/disk").render(),
            ),
            ("incident-bad-link", detail(1, "javascript:alert(1)").render()),
            (
                "incident-resolved",
                IncidentDetail {
                    can_be_reopened: true,
                    note: NoteForm {
                        text: self.string("x"),
                        problem: Some(self.text("Nothing was added: a note has 1 to 2,000 characters.")),
                    },
                    ..detail(2, "https://grafana.example.org/d/disk")
                }
                .render(),
            ),
        ]
    }

    fn people(&self) -> Vec<Sample> {
        let member = |index: usize| MemberRow {
            id: format!("m{index}"),
            name: self.text(["Ada Example", "Bo Sample", "Cy Model"][index % 3]),
            role: ["owner", "admin", "viewer"][index % 3].to_owned(),
            since: ago(3_000),
            last_seen: (index % 3 != 2).then(|| ago(2)),
            is_you: index == 0,
            may_change: index != 0,
        };
        // The least first, as the server gives them.
        let roles = || ["viewer", "operator", "admin"].map(str::to_owned).to_vec();
        let members = Members {
            shell: self.shell(None),
            rows: (0..3).map(member).collect(),
            roles: roles(),
            name: self.string("Di"),
            role: "viewer".to_owned(),
            problems: vec![Problem {
                field: "name".to_owned(),
                message: self.text("Somebody has this name."),
            }],
            link: Some(SignInLinkMade {
                member: self.text("Bo Sample"),
                link: Some((
                    "https://console.example.org/sign-in/7QbcDeFgH".into(),
                    NOW.after(Duration::from_mins(30)),
                )),
            }),
        };
        let token = |index: usize| TokenRow {
            id: format!("t{index}"),
            name: self.text("terraform"),
            role: "operator".to_owned(),
            made_by: self.text("Ada Example"),
            made_at: ago(600),
            expires_at: (index < 2).then(|| {
                if index == 1 {
                    ago(1)
                } else {
                    NOW.after(Duration::from_hours(900))
                }
            }),
            last_used: (index == 0).then(|| ago(1)),
            revoked_at: (index == 2).then(|| ago(1)),
        };
        let tokens = |rows: usize| Tokens {
            shell: self.shell(None),
            rows: (0..rows).map(token).collect(),
            roles: roles(),
            name: self.string("ci"),
            role: "viewer".to_owned(),
            expires: "90".to_owned(),
            problems: Vec::new(),
            made: (rows > 0).then(|| TokenMade {
                name: self.text("ci"),
                token: Some("hgt_3kQbXzT1mP9sVn2LrY7cKd4W".into()),
            }),
        };
        vec![
            ("members", members.render()),
            ("tokens", tokens(3).render()),
            ("tokens-empty", tokens(0).render()),
            ("account", self.account().render()),
            ("audit", self.audit(50).render()),
            ("audit-empty", self.audit(0).render()),
        ]
    }

    fn account(&self) -> Account {
        let session = |index: usize| SessionRow {
            id: format!("s{index}"),
            started_at: ago(30),
            last_seen: ago(index as u64),
            source: source(index),
            user_agent: Some(self.text("Firefox 152 on Linux")),
            is_this: index == 0,
        };
        Account {
            shell: self.shell(None),
            has_password: true,
            password_least: 12,
            failed: Some(FailedSignIns {
                count: 3,
                last_at: ago(7),
                last_from: source(5),
            }),
            problems: vec![Problem {
                field: "again".to_owned(),
                message: self.text("The two are not the same."),
            }],
            sessions: (0..3).map(session).collect(),
        }
    }

    /// Entries as the server reads them, through the same conversion.
    fn audit(&self, rows: usize) -> AuditTrail {
        let row = |index: usize| AuditRow::from(&self.audit_entry(index));
        let actor = |value: &str, label: &str| AuditActor {
            value: value.to_owned(),
            label: self.text(label),
        };
        AuditTrail {
            shell: self.shell(None),
            filter: AuditFilter::default(),
            actors: vec![
                actor("member:Ada Example", "Ada Example"),
                actor("token:deploy", "deploy (token)"),
                actor("command-line", "command line"),
            ],
            problems: Vec::new(),
            rows: (0..rows).map(row).collect(),
            paging: Paging {
                newer: None,
                older: Some("b2xk".to_owned()),
            },
        }
    }

    fn audit_entry(&self, index: usize) -> AuditEntry {
        let name = |text: &str| self.text(text).raw().to_owned();
        let ada = Actor::Member {
            id: MemberId::new(ago(9_000), [1; 10]),
            name: name("Ada Example"),
            role: Role::Admin,
        };
        let deploy = Actor::Token {
            id: TokenId::new(ago(8_000), [2; 10]),
            name: name("deploy"),
            role: Role::Operator,
        };
        let root = Actor::CommandLine { user: name("root") };
        let (actor, act, subject, before, after) = match index % 4 {
            0 => (
                ada,
                AuditAct::WebhookEdit,
                handle(1).to_string(),
                Some(r#"{"allowlist":"10.0.0.0/8"}"#),
                Some(r#"{"allowlist":"10.1.0.0/16"}"#),
            ),
            1 => (
                deploy,
                AuditAct::IncidentResolve,
                "INC-7".to_owned(),
                Some(r#"{"status":"open"}"#),
                Some(r#"{"status":"resolved"}"#),
            ),
            2 => (
                root,
                AuditAct::WebhookCreate,
                handle(2).to_string(),
                None,
                Some(
                    r#"{"allowlist":"any","max_body":262144,"payload_logging":true,"per_minute":null,"signed":false}"#,
                ),
            ),
            _ => (
                Actor::System,
                AuditAct::SessionSignInFailed,
                String::new(),
                None,
                None,
            ),
        };
        AuditEntry {
            id: i64::try_from(index).unwrap_or(0) + 1,
            organization: OrganizationId::FIRST,
            at: ago(index as u64),
            from: (index % 4 != 2).then(|| source(index)),
            actor,
            act,
            subject: AuditSubject::new(subject, name("Grafana staging")),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            request: None,
        }
    }
}
