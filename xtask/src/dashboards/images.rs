//! Pictures: taken in, made, kept and shown.

use super::build::{Colour, Dashboard, Panel, Unit};
use super::promql::{max, over_range, quantile, rate, series, share, sum};
use super::{NAMESPACE, SERVICE_PAGE};

const HTTP: &str = "http_server_request_duration_seconds";
const COUNT: &str = "http_server_request_duration_seconds_count";
const CALLS: &str = "techcommerce_dependency_duration_seconds";
const CALL_COUNT: &str = "techcommerce_dependency_duration_seconds_count";
const SHOWN: &str = r#"service="images", method=~"GET|HEAD""#;
const STORE: &str = r#"dependency="object-store""#;

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "images",
        title: "Images",
        description: "Pictures that staff upload and imports fetch, and that shoppers look at.",
        from: "now-6h",
        variables: vec![NAMESPACE],
        links: vec![(
            "The service's own page",
            format!("{SERVICE_PAGE}?var-service=images"),
        )],
        rows: vec![("Taken in", taken()), ("Shown", shown()), ("Kept", kept())],
    }
}

fn taken() -> Vec<Panel> {
    vec![
        Panel::bars(
            "Uploads",
            Unit::Count,
            "Uploads in the time shown, by how they ended. Refused: no picture, too large, or of a kind that is not taken.",
        )
        .query(sum("outcome", &over_range("techcommerce_image_uploads_total", "")), "{{outcome}}")
        .wide(8),
        Panel::lines("Uploads by the minute", Unit::PerMinute, "Uploads over time, by how they ended.")
            .query(
                format!("60 * {}", sum("outcome", &rate("techcommerce_image_uploads_total", ""))),
                "{{outcome}}",
            )
            .wide(8),
        Panel::lines(
            "How long an upload takes",
            Unit::Seconds,
            "From the first byte until the picture is kept in every size: half and 95 % are quicker.",
        )
        .query(quantile(0.5, "", HTTP, r#"service="images", method="POST""#), "half")
        .query(quantile(0.95, "", HTTP, r#"service="images", method="POST""#), "95 %")
        .wide(8),
    ]
}

fn shown() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "Pictures shown",
            Unit::PerSecond,
            "Pictures that are asked for, by answer. Most never arrive here: browsers and caches keep them for ever.",
        )
        .query(sum("status", &rate(COUNT, SHOWN)), "{{status}}")
        .wide(8),
        Panel::lines("How long a picture takes", Unit::Seconds, "Half and 95 % are quicker.")
            .query(quantile(0.5, "", HTTP, SHOWN), "half")
            .query(quantile(0.95, "", HTTP, SHOWN), "95 %")
            .colour(Colour::High { warn: 0.2, bad: 1.0 })
            .wide(8),
        Panel::lines(
            "Pictures that are not there",
            Unit::Share,
            "The share of pictures that were asked for and not found, or could not be given.",
        )
        .query(
            share(
                "",
                (COUNT, r#"service="images", method=~"GET|HEAD", status=~"4..|5..""#),
                (COUNT, SHOWN),
            ),
            "not shown",
        )
        .colour(Colour::High { warn: 0.05, bad: 0.2 })
        .wide(8),
    ]
}

fn kept() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Files",
            Unit::PerMinute,
            "Files of pictures that the store took, gave, or lost, by how it ended.",
        )
        .query(
            format!("60 * {}", sum("outcome", &rate("techcommerce_picture_files_total", ""))),
            "{{outcome}}",
        )
        .wide(8),
        Panel::lines(
            "How long the store takes",
            Unit::Seconds,
            "95 % of the calls to the store of pictures, a folder or S3, are over within this time.",
        )
        .query(quantile(0.95, "service", CALLS, STORE), "{{service}}")
        .wide(8),
        Panel::lines("Calls to the store that fail", Unit::Share, "The share of them, by service.")
            .query(
                share(
                    "service",
                    (CALL_COUNT, r#"dependency="object-store", outcome!="ok""#),
                    (CALL_COUNT, STORE),
                ),
                "{{service}}",
            )
            .colour(Colour::High { warn: 0.01, bad: 0.05 })
            .wide(8),
        Panel::lines(
            "Free space",
            Unit::Bytes,
            "On the disk where pictures are kept, if they are kept on one, and where uploads wait.",
        )
        .query(
            format!(
                "min by (service, path) ({})",
                series("techcommerce_disk_free_bytes", r#"service=~"images|worker""#)
            ),
            "{{service}}, {{path}}",
        ),
        Panel::lines(
            "Memory",
            Unit::Bytes,
            "A large picture takes some hundred megabytes while it is decoded.",
        )
        .query(
            max(
                "service",
                &series("process_resident_memory_bytes", r#"service=~"images|worker""#),
            ),
            "{{service}}",
        ),
    ]
}
