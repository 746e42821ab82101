# The timed operations on Windows, by name: `one` is timed, `prepared` makes what it needs, `ended` takes it
# away again. Each gets $s: me (the worker's number), order, dir, and off_us (time that is not the operation's).
function Start-Program([string]$File, [string]$Arguments) {
    $start = New-Object Diagnostics.ProcessStartInfo($File, $Arguments)
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $process = [Diagnostics.Process]::Start($start)
    $process.WaitForExit()
    if ($process.ExitCode -ne 0) { throw "$File $Arguments`: exit code $($process.ExitCode)" }
}

# The first of the drivers that is running and can be stopped and started again.
function Find-Driver([string]$Names) {
    foreach ($name in $Names.Split(' ')) {
        try {
            Start-Program 'sc.exe' "stop $name"
            Start-Program 'sc.exe' "start $name"
            return $name
        }
        catch { continue }
    }
    throw "none of the drivers $Names can be stopped and started here"
}

@{
    spin = @{ # a fixed piece of arithmetic
        one = { param($s) for ($i = 0; $i -lt 20000; $i++) { } }
    }
    fork = @{ # a process started and waited for
        one = { param($s) Start-Program 'cmd.exe' '/c exit 0' }
    }
    thread = @{ # ten threads started and waited for
        one = { param($s)
            $all = @(for ($i = 0; $i -lt 10; $i++) {
                $shell = [PowerShell]::Create().AddScript('1')
                @{ shell = $shell; handle = $shell.BeginInvoke() }
            })
            foreach ($one in $all) { [void]$one.shell.EndInvoke($one.handle); $one.shell.Dispose() }
        }
    }
    sleep = @{ # how late a sleeper of 10 ms wakes up
        one = { param($s) [Threading.Thread]::Sleep(10); $s.off_us = 10000 }
    }
    file = @{ # a small file made, renamed, hashed and deleted
        one = { param($s)
            $name = Join-Path $s.dir "f.$($s.me)"
            [IO.File]::WriteAllText($name, "some text for the file of worker $($s.me)")
            [IO.File]::Move($name, "$name.renamed")
            $sha = [Security.Cryptography.SHA256]::Create()
            $stream = [IO.File]::OpenRead("$name.renamed")
            try { [void]$sha.ComputeHash($stream) } finally { $stream.Dispose(); $sha.Dispose() }
            [IO.File]::Delete("$name.renamed")
        }
    }
    open = @{ # a file opened and closed, 100 times
        prepared = { param($s) [IO.File]::WriteAllText((Join-Path $s.dir 'opened'), '') }
        one = { param($s)
            $name = Join-Path $s.dir 'opened'
            for ($i = 0; $i -lt 100; $i++) { ([IO.File]::Open($name, 'Open', 'Read', 'ReadWrite')).Dispose() }
        }
    }
    blocks = @{ # 4 MiB written through to the disk and read again
        one = { param($s)
            $name = Join-Path $s.dir "large.$($s.me)"
            $block = New-Object byte[] 65536
            $stream = New-Object IO.FileStream($name, 'Create', 'ReadWrite', 'None', 65536, 'WriteThrough')
            try {
                for ($i = 0; $i -lt 64; $i++) { $stream.Write($block, 0, $block.Length) }
                $stream.Flush($true)
                $stream.Position = 0
                while ($stream.Read($block, 0, $block.Length) -gt 0) { }
            }
            finally { $stream.Dispose() }
        }
    }
    pages = @{ # 4 MiB of memory taken; at cycle_mib everything is given back
        one = { param($s)
            if (-not $s.ContainsKey('held')) { $s.held = New-Object Collections.Generic.List[byte[]] }
            if (($s.held.Count + 1) * 4 -gt $s.order.cycle_mib / $s.order.workers) { $s.held.Clear(); [GC]::Collect() }
            $block = New-Object byte[] (4MB)
            for ($i = 0; $i -lt $block.Length; $i += 4096) { $block[$i] = 1 }
            $s.held.Add($block)
        }
    }
    driver = @{ # a kernel driver stopped and started
        prepared = { param($s) [IO.File]::WriteAllText((Join-Path $s.dir 'driver'), (Find-Driver $s.order.drivers)) }
        one = { param($s)
            $name = [IO.File]::ReadAllText((Join-Path $s.dir 'driver'))
            Start-Program 'sc.exe' "stop $name"
            Start-Program 'sc.exe' "start $name"
        }
        ended = { param($s) Start-Program 'sc.exe' "start $([IO.File]::ReadAllText((Join-Path $s.dir 'driver')))" }
    }
    connect = @{ # a TCP connection over the loopback, a line there and back
        one = { param($s)
            $listener = New-Object Net.Sockets.TcpListener([Net.IPAddress]::Loopback, 0)
            $listener.Start()
            try {
                $client = New-Object Net.Sockets.TcpClient
                $client.Connect('127.0.0.1', $listener.LocalEndpoint.Port)
                $server = $listener.AcceptTcpClient()
                $line = [Text.Encoding]::ASCII.GetBytes("ping`n")
                $client.GetStream().Write($line, 0, 5)
                [void]$server.GetStream().Read($line, 0, 5)
                $server.GetStream().Write($line, 0, 5)
                [void]$client.GetStream().Read($line, 0, 5)
                $server.Close(); $client.Close()
            }
            finally { $listener.Stop() }
        }
    }
    login = @{ # an interactive logon of a local account that is made for it
        prepared = { param($s)
            $word = 'Aa1!' + [Guid]::NewGuid().ToString('N').Substring(0, 10)
            [IO.File]::WriteAllText((Join-Path $s.dir 'word'), $word)
            Start-Program 'net.exe' "user lab-load $word /add"
        }
        one = { param($s)
            $refused = [LabJob]::Logon('lab-load', [IO.File]::ReadAllText((Join-Path $s.dir 'word')))
            if ($refused) { throw $refused }
        }
        ended = { param($s) Start-Program 'net.exe' 'user lab-load /delete' }
    }
    package = @{ # the user's MSI installed and removed
        one = { param($s)
            Start-Program 'msiexec.exe' "/i `"$($s.order.package)`" /qn /norestart"
            Start-Program 'msiexec.exe' "/x `"$($s.order.package)`" /qn /norestart"
        }
        ended = { param($s) Start-Program 'msiexec.exe' "/x `"$($s.order.package)`" /qn /norestart" }
    }
    pause = @{ # programs and services stand still for a second, then go on; what Windows cannot do without does not
        one = { param($s)
            $needed = 'Idle System Registry smss csrss wininit winlogon services lsass lsm svchost dwm fontdrvhost conhost'
            $lab = 'powershell qemu-ga sshd wsmprovhost WmiPrvSE WerFault'
            $kept = "$needed $lab".Split(' ')
            $ids = @(Get-Process | Where-Object { $kept -notcontains $_.ProcessName } | ForEach-Object { $_.Id })
            $file = Join-Path $s.dir 'held'
            [IO.File]::WriteAllText($file, ($ids -join ' '))
            $held = [LabJob]::Hold($ids, $true)
            if (-not $held) { throw 'no process can be suspended' }
            try { [Threading.Thread]::Sleep(1000) }
            finally { [void][LabJob]::Hold($held, $false); [IO.File]::Delete($file) }
            $s.off_us = 1000000
        }
        ended = { param($s)
            $file = Join-Path $s.dir 'held'
            if ([IO.File]::Exists($file)) { [void][LabJob]::Hold([int[]][IO.File]::ReadAllText($file).Split(' '), $false) }
        }
    }
    event = @{ # what the agent's sensor must see, as agent.yaml says
        one = { param($s) Start-Program 'cmd.exe' "/c $($s.order.activity)" }
    }
}
