"""What a Windows guest is asked of its event logs; `lab.detect.windows.eventlog` reads the answer.

Owns the question: recent events of System and Application that are warnings or worse, and those that tell of
a stop whatever their level. Ages are by the guest's own clock, so it need not be right.
"""

from __future__ import annotations

import math

MOST = 400
"""Events of each log, newest first."""
_SCRIPT = r"""
'lab-now='+[DateTime]::UtcNow.ToString('yyyy-MM-ddTHH:mm:ss.fffffffZ')
foreach ($log in 'System','Application') {{
  $filter="*[System[(Level=1 or Level=2 or Level=3 or EventID=1001 or EventID=41 or EventID=6008)" +
    " and TimeCreated[timediff(@SystemTime) <= {age_ms}]]]"
  try {{ Get-WinEvent -LogName $log -FilterXPath $filter -MaxEvents {most} -ErrorAction Stop |
    ForEach-Object {{ $_.ToXml() }} }}
  catch {{ if ($_.FullyQualifiedErrorId -notlike 'NoMatchingEventsFound*') {{
    [Console]::Error.WriteLine("${{log}}: $($_.Exception.Message)"); exit 1 }} }}
}}
exit 0
"""


def script(age_s: float) -> str:
    """PowerShell that prints the guest's time and the events of the last `age_s` seconds as XML."""
    return _SCRIPT.format(age_ms=math.ceil(age_s * 1000), most=MOST)
