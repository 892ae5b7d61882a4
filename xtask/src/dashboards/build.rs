//! What dashboards are made of: a panel cannot be without a description, a unit and legends, because
//! its constructor asks for them.

use serde_json::{Value, json};

/// How a number is shown.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Count,
    Seconds,
    /// 0 to 1, shown as per cent.
    Share,
    PerSecond,
    PerMinute,
    PerHour,
    Bytes,
    Cores,
    /// In the currency that the legend names.
    Money,
    /// 1 is well, 0 is not.
    UpDown,
    /// 0 is well, more is not.
    NoneOrSome,
    /// Budgets used, as multiples.
    Times,
}

impl Unit {
    /// Grafana's name of it.
    const fn id(self) -> &'static str {
        match self {
            Self::Count | Self::UpDown | Self::NoneOrSome => "short",
            Self::Seconds => "s",
            Self::Share => "percentunit",
            Self::PerSecond => "suffix: /s",
            Self::PerMinute => "suffix: /min",
            Self::PerHour => "suffix: /h",
            Self::Bytes => "bytes",
            Self::Cores => "suffix: cores",
            Self::Money => "locale",
            Self::Times => "suffix:×",
        }
    }

    /// Words in place of numbers.
    fn mappings(self) -> Value {
        let words = |zero: (&str, &str), one: Option<(&str, &str)>| {
            let mut options = json!({"0": {"text": zero.0, "color": zero.1, "index": 0}});
            if let Some((text, colour)) = one {
                options["1"] = json!({"text": text, "color": colour, "index": 1});
            }
            json!([{"type": "value", "options": options}])
        };
        match self {
            Self::UpDown => words(("away", "red"), Some(("well", "green"))),
            Self::NoneOrSome => words(("none", "green"), None),
            _ => json!([]),
        }
    }
}

/// Where what is shown turns yellow and red.
#[derive(Debug, Clone, Copy)]
pub enum Colour {
    /// Nothing is good or bad.
    Plain,
    /// More is worse.
    High { warn: f64, bad: f64 },
    /// Less is worse.
    Low { warn: f64, bad: f64 },
}

impl Colour {
    fn thresholds(self) -> Value {
        let steps = match self {
            Self::Plain => json!([{"color": "blue", "value": null}]),
            Self::High { warn, bad } => json!([
                {"color": "green", "value": null},
                {"color": "yellow", "value": warn},
                {"color": "red", "value": bad},
            ]),
            Self::Low { warn, bad } => json!([
                {"color": "red", "value": null},
                {"color": "yellow", "value": bad},
                {"color": "green", "value": warn},
            ]),
        };
        json!({"mode": "absolute", "steps": steps})
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Lines over time.
    Lines,
    /// The same on top of each other: parts of a whole.
    Stacked,
    /// A number now, or over the time that is shown.
    Number,
    /// A bar for each.
    Bars,
    /// A row for each set of labels, with the labels as columns.
    Table,
}

/// One query with what its lines are called: `{{route}}` stands for a label.
#[derive(Debug, Clone)]
struct Query {
    expression: String,
    legend: String,
}

/// One picture.
#[derive(Debug, Clone)]
pub struct Panel {
    kind: Kind,
    title: String,
    description: String,
    unit: Unit,
    colour: Colour,
    queries: Vec<Query>,
    width: u32,
    height: u32,
    /// Columns of a table, as label and heading.
    columns: Vec<(&'static str, &'static str)>,
}

impl Panel {
    fn new(kind: Kind, title: &str, unit: Unit, description: &str) -> Self {
        let (width, height) = match kind {
            Kind::Number => (4, 4),
            Kind::Lines | Kind::Stacked => (12, 8),
            Kind::Bars | Kind::Table => (12, 8),
        };
        Self {
            kind,
            title: title.to_owned(),
            description: description.split_whitespace().collect::<Vec<_>>().join(" "),
            unit,
            colour: Colour::Plain,
            queries: Vec::new(),
            width,
            height,
            columns: Vec::new(),
        }
    }

    /// Lines over time.
    pub fn lines(title: &str, unit: Unit, description: &str) -> Self {
        Self::new(Kind::Lines, title, unit, description)
    }

    /// Parts of a whole over time.
    pub fn stacked(title: &str, unit: Unit, description: &str) -> Self {
        Self::new(Kind::Stacked, title, unit, description)
    }

    /// One number.
    pub fn number(title: &str, unit: Unit, description: &str) -> Self {
        Self::new(Kind::Number, title, unit, description)
    }

    /// A bar for each.
    pub fn bars(title: &str, unit: Unit, description: &str) -> Self {
        Self::new(Kind::Bars, title, unit, description)
    }

    /// A row for each.
    pub fn table(
        title: &str,
        unit: Unit,
        columns: &[(&'static str, &'static str)],
        description: &str,
    ) -> Self {
        let mut panel = Self::new(Kind::Table, title, unit, description);
        panel.columns = columns.to_vec();
        panel
    }

    /// What is asked, and what its lines are called.
    pub fn query(mut self, expression: impl Into<String>, legend: &str) -> Self {
        self.queries.push(Query {
            expression: expression.into(),
            legend: legend.to_owned(),
        });
        self
    }

    pub const fn colour(mut self, colour: Colour) -> Self {
        self.colour = colour;
        self
    }

    /// Of the 24 columns of a page.
    pub const fn wide(mut self, width: u32) -> Self {
        self.width = width;
        self
    }

    fn json(&self, id: usize, x: u32, y: u32) -> Value {
        let instant = !matches!(self.kind, Kind::Lines | Kind::Stacked);
        let targets: Vec<Value> = self
            .queries
            .iter()
            .zip('A'..='Z')
            .map(|(query, letter)| {
                json!({
                    "refId": letter.to_string(),
                    "datasource": datasource(),
                    "editorMode": "code",
                    "expr": query.expression,
                    "legendFormat": query.legend,
                    "instant": instant,
                    "range": !instant,
                    "format": if matches!(self.kind, Kind::Table) { "table" } else { "time_series" },
                })
            })
            .collect();
        let mut panel = json!({
            "id": id,
            "type": self.type_name(),
            "title": self.title,
            "description": self.description,
            "datasource": datasource(),
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": self.field(), "overrides": []},
            "options": self.options(),
            "targets": targets,
        });
        if matches!(self.kind, Kind::Table) {
            panel["transformations"] = self.columns_of();
        }
        panel
    }

    const fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Lines | Kind::Stacked => "timeseries",
            Kind::Number => "stat",
            Kind::Bars => "bargauge",
            Kind::Table => "table",
        }
    }

    fn field(&self) -> Value {
        let plain = matches!(self.colour, Colour::Plain);
        let over_time = matches!(self.kind, Kind::Lines | Kind::Stacked);
        let mode = if over_time {
            "palette-classic"
        } else {
            "thresholds"
        };
        let mut field = json!({
            "unit": self.unit.id(),
            "mappings": self.unit.mappings(),
            "thresholds": self.colour.thresholds(),
            "color": {"mode": mode},
            "noValue": "nothing yet",
        });
        if matches!(self.unit, Unit::Money) {
            field["decimals"] = json!(2);
        }
        if matches!(self.unit, Unit::Share) && !matches!(self.colour, Colour::Low { .. }) {
            field["min"] = json!(0);
        }
        if over_time {
            let stacking = if matches!(self.kind, Kind::Stacked) {
                "normal"
            } else {
                "none"
            };
            field["custom"] = json!({
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": if stacking == "normal" { 35 } else { 8 },
                "showPoints": "never",
                "spanNulls": false,
                "stacking": {"mode": stacking, "group": "A"},
                // A line where it turns bad, so that one sees how far it is.
                "thresholdsStyle": {"mode": if plain { "off" } else { "dashed" }},
                "axisSoftMin": 0,
            });
        }
        field
    }

    fn options(&self) -> Value {
        match self.kind {
            Kind::Lines | Kind::Stacked => json!({
                "legend": {
                    "displayMode": "table", "placement": "bottom", "showLegend": true,
                    "calcs": ["lastNotNull", "max"], "sortBy": "Max", "sortDesc": true,
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
            Kind::Number => json!({
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
                "colorMode": if matches!(self.colour, Colour::Plain) { "none" } else { "value" },
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "textMode": if self.queries.len() > 1 || self.has_labels() { "value_and_name" } else { "value" },
            }),
            Kind::Bars => json!({
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
                "displayMode": "basic",
                "orientation": "horizontal",
                "valueMode": "color",
                "showUnfilled": true,
            }),
            Kind::Table => {
                json!({"showHeader": true, "cellHeight": "sm", "footer": {"show": false}})
            }
        }
    }

    fn has_labels(&self) -> bool {
        self.queries.iter().any(|query| query.legend.contains("{{"))
    }

    /// Only the labels that were asked for, by their headings, and the value.
    fn columns_of(&self) -> Value {
        let mut keep: Vec<&str> = self.columns.iter().map(|(label, _)| *label).collect();
        let mut names = serde_json::Map::new();
        for (label, heading) in &self.columns {
            names.insert((*label).to_owned(), json!(heading));
        }
        if let Some(query) = self.queries.first()
            && !query.legend.is_empty()
        {
            keep.push("Value");
            names.insert("Value".to_owned(), json!(query.legend));
        }
        let pattern = format!("^({})$", keep.join("|"));
        json!([
            {"id": "filterFieldsByName", "options": {"include": {"pattern": pattern}}},
            {"id": "organize", "options": {"renameByName": names}},
        ])
    }
}

/// Something that the reader chooses above the pictures.
#[derive(Debug, Clone)]
pub enum Variable {
    /// A label's values; `metric` has the label.
    Label {
        name: &'static str,
        heading: &'static str,
        metric: &'static str,
    },
    /// A number that the reader types in.
    Text {
        name: &'static str,
        heading: &'static str,
        value: &'static str,
    },
}

impl Variable {
    fn json(&self) -> Value {
        match self {
            Self::Label {
                name,
                heading,
                metric,
            } => json!({
                "type": "query",
                "name": name,
                "label": heading,
                "datasource": datasource(),
                "query": {"query": format!("label_values({metric}, {name})"), "refId": name},
                "refresh": 2,
                "sort": 1,
                "multi": true,
                "includeAll": true,
                // Also where there is no such label, as outside of a cluster.
                "allValue": ".*",
                "current": {"text": ["All"], "value": ["$__all"]},
            }),
            Self::Text {
                name,
                heading,
                value,
            } => json!({
                "type": "textbox",
                "name": name,
                "label": heading,
                "query": value,
                "current": {"text": value, "value": value},
            }),
        }
    }
}

/// One page.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// Below `techcommerce-`; also the name of the file.
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// What is shown at first, as `now-6h`.
    pub from: &'static str,
    pub variables: Vec<Variable>,
    /// Where a reader goes on from here, as title and address.
    pub links: Vec<(&'static str, String)>,
    /// Headings, each with what is below it.
    pub rows: Vec<(&'static str, Vec<Panel>)>,
}

impl Dashboard {
    /// As Grafana reads it.
    pub fn json(&self) -> Value {
        let mut panels = Vec::new();
        let (mut x, mut y, mut tallest) = (0, 0, 0);
        let mut place = |width: u32, height: u32, full: bool| {
            if full || x + width > 24 {
                (x, y, tallest) = (0, y + tallest, 0);
            }
            let at = (x, y);
            x += width;
            tallest = tallest.max(height);
            at
        };
        for (heading, content) in &self.rows {
            let (x, y) = place(24, 1, true);
            panels.push(json!({
                "id": panels.len() + 1,
                "type": "row",
                "title": heading,
                "collapsed": false,
                "gridPos": {"h": 1, "w": 24, "x": x, "y": y},
                "panels": [],
            }));
            for panel in content {
                let (x, y) = place(panel.width, panel.height, false);
                panels.push(panel.json(panels.len() + 1, x, y));
            }
        }
        let mut variables = vec![json!({
            "type": "datasource",
            "name": "datasource",
            "label": "Prometheus",
            "query": "prometheus",
            "current": {},
            "hide": 0,
        })];
        variables.extend(self.variables.iter().map(Variable::json));
        let mut links = vec![json!({
            "type": "dashboards", "title": "TechCommerce", "tags": ["techcommerce"],
            "asDropdown": true, "includeVars": true, "keepTime": true,
        })];
        links.extend(self.links.iter().map(|(title, url)| {
            json!({"type": "link", "title": title, "url": url, "keepTime": true, "icon": "external link"})
        }));
        json!({
            "uid": format!("techcommerce-{}", self.name),
            "title": self.title,
            "description": self.description.split_whitespace().collect::<Vec<_>>().join(" "),
            "tags": ["techcommerce"],
            "schemaVersion": 41,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": self.from, "to": "now"},
            "timezone": "browser",
            "templating": {"list": variables},
            "annotations": {"list": [{
                "name": "Releases",
                "datasource": datasource(),
                "enable": true,
                "iconColor": "blue",
                // A version that was not there five minutes ago.
                "expr": "max by (version) (techcommerce_build_info) unless max by (version) (techcommerce_build_info offset 5m)",
                "titleFormat": "Version {{version}}",
            }]},
            "links": links,
            "panels": panels,
        })
    }
}

/// Whichever Prometheus the reader chose.
fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}
