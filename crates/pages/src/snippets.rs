//! Ready settings and commands for common senders, with the URL filled in. All of them send the custom format.

use std::fmt::Write;

/// The input of the snippets.
#[derive(Clone, Copy, Debug)]
pub struct SnippetOptions<'a> {
    /// The webhook's URL, the secret included.
    pub url: &'a str,
    /// The file of a private CA that senders must trust, if one issued the certificate.
    pub ca_file: Option<&'a str>,
}

/// A setting or command for one sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Short name, unique in a page, for IDs.
    pub key: &'static str,
    /// The sender's name.
    pub sender: &'static str,
    /// The place to paste it, and hints; one or two sentences.
    pub note: &'static str,
    /// The text to paste.
    pub code: String,
}

/// The snippets of all senders, in display order.
#[must_use]
pub fn snippets(options: SnippetOptions<'_>) -> Vec<Snippet> {
    vec![
        curl(options),
        curl_file(options),
        alertmanager(options),
        grafana(options),
        datadog(options),
        github(options),
        python(options),
        cron(options),
    ]
}

fn curl(options: SnippetOptions<'_>) -> Snippet {
    let ca = options
        .ca_file
        .map_or_else(String::new, |file| format!("--cacert {} ", shell(file)));
    Snippet {
        key: "curl",
        sender: "curl",
        note: "For a quick test. The URL stays in your shell history.",
        code: format!(
            "curl {ca}{} \\\n  -H 'content-type: application/json' \\\n  -d '{{\"title\":\"Disk full on db1\",\"severity\":\"high\"}}'\n",
            shell(options.url)
        ),
    }
}

fn curl_file(options: SnippetOptions<'_>) -> Snippet {
    let config = curl_config(options);
    Snippet {
        key: "curl-file",
        sender: "curl, URL in a file",
        note: "For scripts: the URL appears neither in the process list nor in the script.",
        code: format!(
            "umask 077\ncat > hook.curl <<'END_OF_HOOK'\n{config}END_OF_HOOK\n\ncurl --config hook.curl -d '{{\"title\":\"Disk full on db1\"}}'\n"
        ),
    }
}

fn alertmanager(options: SnippetOptions<'_>) -> Snippet {
    let ca = options.ca_file.map_or_else(String::new, |file| {
        format!(
            "        http_config:\n          tls_config:\n            ca_file: {}\n",
            quoted(file)
        )
    });
    Snippet {
        key: "alertmanager",
        sender: "Alertmanager",
        note: "Needs Alertmanager 0.34 or newer; older versions can't set the payload, or change words in it that look like YAML. The file must contain only the URL.",
        code: format!(
            "# /etc/alertmanager/hookgate.url (mode 0600):\n# {}\n\nreceivers:\n  - name: hookgate\n    webhook_configs:\n      - url_file: /etc/alertmanager/hookgate.url\n        send_resolved: true\n{ca}        payload: |\n          {{{{ $status := \"open\" }}}}{{{{ if ne .Status \"firing\" }}}}{{{{ $status = \"resolved\" }}}}{{{{ end }}}}\n          {{{{ $group := printf \"%s %s\" .Receiver .GroupLabels.SortedPairs }}}}\n          {{{{ dict\n            \"title\" (printf \"%.500s\" (or .CommonAnnotations.summary .CommonLabels.alertname \"Alertmanager notification\"))\n            \"status\" $status\n            \"dedup_key\" (printf \"%.255s\" $group)\n            \"source_url\" .ExternalURL\n            | toJson }}}}\n",
            options.url
        ),
    }
}

fn grafana(options: SnippetOptions<'_>) -> Snippet {
    Snippet {
        key: "grafana",
        sender: "Grafana",
        note: "Alerting, Contact points, Webhook: paste the URL, save the template under Notification templates, and use the template as custom payload. Needs Grafana 12 or newer.",
        code: format!(
            "URL: {}\nMethod: POST\nCustom payload: {{{{ template \"hookgate\" . }}}}\n\n{{{{ define \"hookgate\" -}}}}\n{{{{ $status := \"open\" }}}}{{{{ if ne .Status \"firing\" }}}}{{{{ $status = \"resolved\" }}}}{{{{ end }}}}\n{{{{ coll.Dict\n  \"title\" (printf \"%.500s\" (or .CommonAnnotations.summary .CommonLabels.alertname \"Grafana alert\"))\n  \"status\" $status\n  \"dedup_key\" (printf \"%.255s\" .GroupKey)\n  \"source_url\" .ExternalURL\n  | data.ToJSON }}}}\n{{{{- end }}}}\n",
            options.url
        ),
    }
}

fn datadog(options: SnippetOptions<'_>) -> Snippet {
    Snippet {
        key: "datadog",
        sender: "Datadog",
        note: "Integrations, Webhooks: create a webhook with this URL and payload, then add @webhook-hookgate to a monitor's message. This payload does not report recoveries: resolve the incidents here, or send them from a second webhook.",
        code: format!(
            "Name: hookgate\nURL: {}\nPayload:\n{{\n  \"title\": \"$EVENT_TITLE\",\n  \"description\": \"$TEXT_ONLY_MSG\",\n  \"dedup_key\": \"$ALERT_CYCLE_KEY\",\n  \"source_url\": \"$LINK\",\n  \"metadata\": {{\"transition\": \"$ALERT_TRANSITION\", \"priority\": \"$ALERT_PRIORITY\"}}\n}}\n",
            options.url
        ),
    }
}

fn github(options: SnippetOptions<'_>) -> Snippet {
    let ca = options
        .ca_file
        .map_or_else(String::new, |file| format!("--cacert {} ", shell(file)));
    Snippet {
        key: "github",
        sender: "GitHub Actions",
        note: "Save the URL as the repository secret HOOKGATE_URL. The step runs when an earlier one failed. GitHub's own webhooks are not supported yet.",
        code: format!(
            "# gh secret set HOOKGATE_URL   (then paste)\n# {}\n\n- name: Open an incident\n  if: failure()\n  env:\n    HOOKGATE_URL: ${{{{ secrets.HOOKGATE_URL }}}}\n    RUN_URL: ${{{{ github.server_url }}}}/${{{{ github.repository }}}}/actions/runs/${{{{ github.run_id }}}}\n  run: |\n    jq -n '{{title: \"\\(env.GITHUB_WORKFLOW) failed in \\(env.GITHUB_REPOSITORY)\",\n            source_url: env.RUN_URL,\n            dedup_key: \"\\(env.GITHUB_REPOSITORY) \\(env.GITHUB_WORKFLOW) \\(env.GITHUB_REF_NAME)\"[:255]}}' |\n    curl --fail-with-body --retry 3 {ca}\"$HOOKGATE_URL\" \\\n      -H 'content-type: application/json' --data @-\n",
            options.url
        ),
    }
}

fn python(options: SnippetOptions<'_>) -> Snippet {
    let (import, context) = options.ca_file.map_or_else(
        || ("", String::new()),
        |file| {
            (
                "import ssl\n",
                format!(", context=ssl.create_default_context(cafile={})", quoted(file)),
            )
        },
    );
    Snippet {
        key: "python",
        sender: "Python",
        note: "Uses only the standard library. An Idempotency-Key makes retries safe.",
        code: format!(
            "import json\n{import}import urllib.request\nimport uuid\n\nURL = {}\n\nrequest = urllib.request.Request(\n    URL,\n    data=json.dumps({{\"title\": \"Disk full on db1\", \"severity\": \"high\"}}).encode(),\n    headers={{\"content-type\": \"application/json\", \"idempotency-key\": str(uuid.uuid4())}},\n)\nwith urllib.request.urlopen(request, timeout=10{context}) as answer:\n    print(answer.status, answer.read().decode())\n",
            quoted(options.url)
        ),
    }
}

fn cron(options: SnippetOptions<'_>) -> Snippet {
    let config = curl_config(options);
    let mut code = String::from("# /etc/hookgate.curl (mode 0600, owned by the user of the job):\n");
    for line in config.lines() {
        // Writing to a String doesn't fail.
        let _ = writeln!(code, "# {line}");
    }
    code.push_str("\n0 3 * * * /usr/local/bin/backup || curl --config /etc/hookgate.curl -d '{\"title\":\"Backup failed\",\"dedup_key\":\"backup\"}'\n");
    Snippet {
        key: "cron",
        sender: "cron",
        note: "Reports when a job fails. The URL is in a file that only the job's user can read.",
        code,
    }
}

fn curl_config(options: SnippetOptions<'_>) -> String {
    let ca = options
        .ca_file
        .map_or_else(String::new, |file| format!("cacert = {}\n", quoted(file)));
    format!(
        "url = {}\n{ca}header = \"content-type: application/json\"\nfail-with-body\nsilent\nshow-error\nretry = 3\n",
        quoted(options.url)
    )
}

/// Quotes a text as one word of a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Puts a text in double quotes, in a form that curl's configuration, YAML and Python read alike.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://hooks.example.org/webhooks/custom/wh_secret";

    fn all(ca_file: Option<&str>) -> Vec<Snippet> {
        snippets(SnippetOptions { url: URL, ca_file })
    }

    #[test]
    fn every_sender_gets_the_url_once_and_its_own_key() {
        let all = all(Some("/etc/ca.pem"));
        for snippet in &all {
            assert_eq!(snippet.code.matches(URL).count(), 1, "{}", snippet.code);
        }
        let keys: std::collections::BTreeSet<_> = all.iter().map(|snippet| snippet.key).collect();
        assert_eq!(keys.len(), 8);
    }

    #[test]
    fn the_private_ca_is_named_where_the_sender_can_take_it() {
        let code: Vec<_> = all(Some("/etc/my ca's.pem"))
            .into_iter()
            .map(|s| s.code)
            .collect();
        assert!(
            code[0].contains(r"--cacert '/etc/my ca'\''s.pem' "),
            "{}",
            code[0]
        );
        assert!(code[1].contains("cacert = \"/etc/my ca's.pem\"\n"), "{}", code[1]);
        assert!(
            code[2].contains("            ca_file: \"/etc/my ca's.pem\"\n"),
            "{}",
            code[2]
        );
        assert!(
            code[6].contains("create_default_context(cafile=\"/etc/my ca's.pem\")"),
            "{}",
            code[6]
        );
        assert!(
            all(None)
                .iter()
                .all(|s| !s.code.contains("cacert") && !s.code.contains("ca_file"))
        );
    }

    #[test]
    fn quotes_end_nothing_early() {
        assert_eq!(shell("a'b"), r"'a'\''b'");
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
    }

    /// Alertmanager parses each text of a `payload` as YAML after it has rendered its template, so texts of alerts must not
    /// be a whole value of it.
    #[test]
    fn alertmanager_gets_one_text_that_makes_json() {
        let code = &all(None)[2].code;
        let (_, payload) = code.split_once("        payload: |\n").unwrap();
        assert!(
            payload.lines().all(|line| line.starts_with("          ")),
            "{payload}"
        );
        assert!(payload.trim_start().starts_with("{{") && payload.ends_with("| toJson }}\n"));
        // `GroupLabels` alone is empty if alerts are not grouped.
        assert!(payload.contains("printf \"%s %s\" .Receiver .GroupLabels.SortedPairs"));
    }

    #[test]
    fn templates_keep_their_braces() {
        let all = all(None);
        assert!(
            all[2]
                .code
                .contains("{{ $status := \"open\" }}{{ if ne .Status \"firing\" }}")
        );
        assert!(all[3].code.contains("{{ define \"hookgate\" -}}"));
        assert!(all[5].code.contains("${{ secrets.HOOKGATE_URL }}"));
    }
}
