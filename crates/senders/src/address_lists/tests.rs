//! Documents of each provider, whole and broken.

use hookgate_domain::networks::MAX_NETWORKS;
use hookgate_domain::text::TextError;

use super::*;

fn read(provider: Provider, filter: &str, document: &str) -> Result<Vec<String>, AddressListError> {
    let filter = filter.parse().expect("a filter");
    let networks = read_address_list(provider, &filter, document.as_bytes())?;
    Ok(networks.as_slice().iter().map(ToString::to_string).collect())
}

#[test]
fn aws_is_narrowed_by_service_and_region() {
    let document = r#"{"syncToken":"1","createDate":"x","prefixes":[
        {"ip_prefix":"3.5.140.0/22","region":"ap-northeast-2","service":"AMAZON","network_border_group":"x"},
        {"ip_prefix":"3.5.140.0/22","region":"ap-northeast-2","service":"S3","network_border_group":"x"},
        {"ip_prefix":"52.94.0.0/22","region":"eu-west-1","service":"EC2","network_border_group":"x"}],
        "ipv6_prefixes":[{"ipv6_prefix":"2a05:d070:e000::/40","region":"eu-west-1","service":"EC2","network_border_group":"x"}]}"#;
    let of = |filter: &str| read(Provider::Aws, filter, document);
    assert_eq!(of("").unwrap().len(), 3, "the same network twice is one");
    assert_eq!(
        of("service=EC2").unwrap(),
        ["52.94.0.0/22", "2a05:d070:e000::/40"]
    );
    assert_eq!(
        of("service=EC2, service=S3, region=ap-northeast-2").unwrap(),
        ["3.5.140.0/22"]
    );
    assert_eq!(of("service=NONE"), Err(AddressListError::Empty));
}

#[test]
fn each_provider_has_its_form() {
    let datadog = r#"{"version":1,"modified":"x","agents":{"prefixes_ipv4":["192.0.2.0/24"],"prefixes_ipv6":[]},
        "webhooks":{"prefixes_ipv4":["198.51.100.0/24"],"prefixes_ipv6":["2001:db8::/64"]}}"#;
    assert_eq!(
        read(Provider::Datadog, "", datadog).unwrap(),
        ["198.51.100.0/24", "2001:db8::/64"]
    );
    assert_eq!(
        read(Provider::Datadog, "section=agents", datadog).unwrap(),
        ["192.0.2.0/24"]
    );
    let none = AddressListError::NoSection("logs".to_owned());
    assert_eq!(read(Provider::Datadog, "section=logs", datadog), Err(none));
    let github = r#"{"verifiable_password_authentication":false,"ssh_keys":["x"],"hooks":["192.30.252.0/22","2606:50c0::/32"],"web":["192.0.2.0/24"]}"#;
    assert_eq!(
        read(Provider::Github, "", github).unwrap(),
        ["192.30.252.0/22", "2606:50c0::/32"]
    );
    assert_eq!(
        read(Provider::Github, "section=ssh_keys", github)
            .unwrap_err()
            .to_string()
            .split(':')
            .next(),
        Some("entry 1 of the document, `x`")
    );
    assert_eq!(
        read(
            Provider::Stripe,
            "",
            r#"{"WEBHOOKS":["3.18.12.63","3.130.192.231"]}"#
        )
        .unwrap()
        .len(),
        2
    );
    assert_eq!(
        read(Provider::Grafana, "", r#"["35.192.0.1"]"#).unwrap(),
        ["35.192.0.1/32"]
    );
    assert_eq!(
        read(
            Provider::Grafana,
            "",
            r#"{"hosted_alerts":["35.192.0.1"],"logs":["35.192.0.2"]}"#
        )
        .unwrap()
        .len(),
        2
    );
    let cloudflare = r#"{"result":{"ipv4_cidrs":["173.245.48.0/20"],"ipv6_cidrs":["2400:cb00::/32"],"etag":"x"},"success":true,"errors":[],"messages":[]}"#;
    assert_eq!(read(Provider::Cloudflare, "", cloudflare).unwrap().len(), 2);
    let failed = cloudflare.replace("true", "false");
    assert_eq!(
        read(Provider::Cloudflare, "", &failed),
        Err(AddressListError::Form)
    );
    let plain = "# ours\n192.0.2.0/24, 198.51.100.7 # the office\n\n2001:db8::/32\n";
    assert_eq!(read(Provider::List, "", plain).unwrap().len(), 3);
    assert_eq!(read(Provider::List, "", r#"["192.0.2.0/24"]"#).unwrap().len(), 1);
}

#[test]
fn a_document_is_the_same_however_an_editor_saves_it() {
    let documents = [
        (Provider::List, "192.0.2.0/24\n198.51.100.7\n"),
        (Provider::List, r#"["192.0.2.0/24"]"#),
        (Provider::Github, r#"{"hooks":["192.30.252.0/22"]}"#),
        (Provider::Stripe, r#"{"WEBHOOKS":["3.18.12.63"]}"#),
    ];
    for (provider, document) in documents {
        let plain = read(provider, "", document).unwrap();
        let crlf = document.replace('\n', "\r\n");
        for saved in [format!("\u{feff}{document}"), format!("\u{feff}{crlf}\r\n")] {
            assert_eq!(read(provider, "", &saved).as_ref(), Ok(&plain), "{saved:?}");
        }
        let utf16: Vec<u8> = std::iter::once(0xfeff)
            .chain(document.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(
            read_address_list(provider, &SetFilter::default(), &utf16).err(),
            Some(AddressListError::Text(TextError::Utf16))
        );
    }
    let joined = "192.0.2.0/24\n\u{feff}198.51.100.7\n";
    assert_eq!(read(Provider::List, "", joined).unwrap().len(), 2);
}

#[test]
fn a_list_with_a_hole_is_no_list() {
    let error = read(Provider::List, "", "192.0.2.0/24\n10.0.0.1/8\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("entry 2 of the document, `10.0.0.1/8`: the address has bits"),
        "{error}"
    );
    let masked = read(Provider::List, "", "192.0.2.0 255.255.255.0\n").unwrap_err();
    assert!(masked.to_string().contains("write 192.0.2.0/24"), "{masked}");
    assert!(read(Provider::List, "", "192.0.2.7 198.51.100.7\n").is_ok());
    for provider in Provider::ALL {
        for document in ["", "{}", "[]", "null", "<html>", "{\"prefixes\":[]}"] {
            assert!(read(*provider, "", document).is_err(), "{provider} {document}");
        }
    }
    assert!(read_address_list(Provider::List, &SetFilter::default(), b"\xff").is_err());
    for everybody in [
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0/1 128.0.0.0/1",
        "::/1 8000::/1",
        "0.0.0.0/2 64.0.0.0/2 128.0.0.0/2 192.0.0.0/2",
        "16.0.0.0/5 32.0.0.0/5 64.0.0.0/5",
    ] {
        let error = read(Provider::List, "", &format!("192.0.2.0/24 {everybody}")).unwrap_err();
        assert!(
            matches!(error, AddressListError::TooWide(_)),
            "{everybody}: {error}"
        );
    }
}

#[test]
fn a_section_that_is_there_twice_is_no_form() {
    let twice = r#"{"hooks":["192.0.2.0/24"],"hooks":["198.51.100.0/24"]}"#;
    assert_eq!(read(Provider::Github, "", twice), Err(AddressListError::Form));
    let escaped = r#"{"h\u006foks":["192.0.2.0\/24"]}"#;
    assert_eq!(read(Provider::Github, "", escaped).unwrap(), ["192.0.2.0/24"]);
    let trailing = r#"{"hooks":["192.0.2.0/24"]} x"#;
    assert_eq!(read(Provider::Github, "", trailing), Err(AddressListError::Form));
}

#[test]
fn reading_stops_at_the_bound_and_at_the_first_fault() {
    let most = u32::try_from(MAX_NETWORKS).unwrap();
    let addresses = |count: u32| -> Vec<String> {
        let all = (0..count).map(|number| std::net::Ipv4Addr::from_bits(0x0a00_0000 + number));
        all.map(|address| address.to_string()).collect()
    };
    let list = |count| addresses(count).join(" ");
    assert_eq!(read(Provider::List, "", &list(most)).unwrap().len(), MAX_NETWORKS);
    // Entries behind the bound are not parsed, and a repeated network does not count.
    let beyond = list(most + 1) + " nonsense";
    assert_eq!(read(Provider::List, "", &beyond), Err(AddressListError::TooLong));
    let again = [list(most), list(most)].join(" ");
    assert_eq!(read(Provider::List, "", &again).unwrap().len(), MAX_NETWORKS);
    let json = format!("[\"{}\",\"nonsense\"]", addresses(most + 1).join("\",\""));
    assert_eq!(read(Provider::List, "", &json), Err(AddressListError::TooLong));
}
