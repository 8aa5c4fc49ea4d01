"""Time series as vectors."""

from __future__ import annotations

from datasets.entry import Archive, Entry, Facts, File

_ECG5000 = Entry(
    name="ecg5000",
    kind="tabular",
    family="ecg5000",
    source="UCR archive, https://www.timeseriesclassification.com/description.php?Dataset=ECG5000",
    licence="none stated; to be cited",
    citation=(
        "Dau et al., The UCR time series archive, 2019, doi:10.1109/JAS.2019.1911747; "
        "Goldberger et al., PhysioBank, Circulation 101(23), 2000, record chf07"
    ),
    loader="datasets.families.ucr:ecg5000",
    traps=(
        "easy: the largest absolute z-score has an AUROC of .98, as kNN has",
        "42 % anomalies: average precision starts at that prevalence",
        "all beats are of one patient: neighbours in time stand on both sides of a split",
    ),
    has_official_split=True,
    folders=("ecg5000",),
    archives=(
        Archive(
            File(
                "ECG5000.zip",
                ("https://www.timeseriesclassification.com/aeon-toolkit/ECG5000.zip",),
            ),
            into="ecg5000",
        ),
    ),
    facts=Facts(n=5000, shape=(140,), n_anomalies=2081, duplicates=0),
)

_NAB = "https://raw.githubusercontent.com/numenta/NAB/master"
_CLOUDWATCH = ("24ae8d", "53ea38", "5f5533", "77c1ca", "825cc2", "ac20cd", "fe7f93")
_NAB_SERIES = (
    *(f"artificialWithAnomaly/art_daily_{kind}" for kind in ("flatmiddle", "jumpsdown")),
    *(f"artificialWithAnomaly/art_daily_{kind}" for kind in ("jumpsup", "nojump")),
    "artificialWithAnomaly/art_increase_spike_density",
    "artificialWithAnomaly/art_load_balancer_spikes",
    *(f"realAWSCloudwatch/ec2_cpu_utilization_{key}" for key in _CLOUDWATCH),
    "realAWSCloudwatch/ec2_disk_write_bytes_1ef3de",
    "realAWSCloudwatch/ec2_network_in_257a54",
    "realAWSCloudwatch/ec2_network_in_5abac7",
    "realAWSCloudwatch/elb_request_count_8c0756",
    "realAWSCloudwatch/grok_asg_anomaly",
    "realAWSCloudwatch/iio_us-east-1_i-a2eb1cd9_NetworkIn",
    "realAWSCloudwatch/rds_cpu_utilization_cc0c53",
    "realAWSCloudwatch/rds_cpu_utilization_e47b3b",
    "realAdExchange/exchange-2_cpc_results",
    "realAdExchange/exchange-2_cpm_results",
    "realAdExchange/exchange-3_cpc_results",
    "realAdExchange/exchange-3_cpm_results",
    "realAdExchange/exchange-4_cpc_results",
    "realAdExchange/exchange-4_cpm_results",
    "realKnownCause/ambient_temperature_system_failure",
    "realKnownCause/cpu_utilization_asg_misconfiguration",
    "realKnownCause/ec2_request_latency_system_failure",
    "realKnownCause/machine_temperature_system_failure",
    "realKnownCause/nyc_taxi",
    "realKnownCause/rogue_agent_key_hold",
    "realKnownCause/rogue_agent_key_updown",
    *(f"realTraffic/TravelTime_{key}" for key in ("387", "451")),
    *(f"realTraffic/occupancy_{key}" for key in ("6005", "t4013")),
    *(f"realTraffic/speed_{key}" for key in ("6005", "7578", "t4013")),
    *(f"realTweets/Twitter_volume_{key}" for key in ("AAPL", "AMZN", "CRM", "CVS", "FB")),
    *(f"realTweets/Twitter_volume_{key}" for key in ("GOOG", "IBM", "KO", "PFE", "UPS")),
)
"""The series with anomalies."""


def _nab(series: str) -> Entry:
    folder, _, name = series.partition("/")
    paths = (f"data/{series}.csv", "labels/combined_windows.json")
    return Entry(
        name=f"nab/{name}",
        kind="tabular",
        family=f"nab/{folder}",
        source=f"Numenta Anomaly Benchmark, https://github.com/numenta/NAB, {paths[0]}",
        licence="MIT",
        citation=(
            "Lavin and Ahmad, Evaluating real-time anomaly detection algorithms: the Numenta "
            "Anomaly Benchmark, ICMLA 2015, arXiv:1510.03336"
        ),
        loader="datasets.families.nab:windows",
        traps=(
            "labelled windows are wide and placed by hand, and hold usual values too",
            "windows are rows here: a method that follows the series in time is not shown as such",
            "few windows are anomalous: intervals are wide",
        ),
        files=tuple(File(f"nab/{path}", (f"{_NAB}/{path}",)) for path in paths),
        options={"series": f"{series}.csv", "width": 32},
        settable=("width",),
    )


ENTRIES = (_ECG5000, *(_nab(series) for series in _NAB_SERIES))
