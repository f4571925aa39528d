// Drives etcd and Holdfast alike: N clients, each with one write on its way and the next as soon as that one is
// acknowledged, for a fixed time after a warm-up. Clients take the members in turn.
//
//	drive -system etcd -clients 64 -seconds 3 -pids 11,12,13 127.0.0.1:2379 127.0.0.1:2381 127.0.0.1:2383
//	drive -system pins -clients 64 -seconds 3 -pids 21,22,23 127.0.0.1:9094 ...
//	drive -system pins -outage -pids 21 ...     kills the process, which is the member of the first endpoint
//
// A write is a put of a new key with a value of 300 bytes, or POST /pins/{cid} of a new CID.
// Prints: writes a second, median and 99th percentile of the time to the answer in ms, CPU us of the processes
// named by -pids for each write, our own for each write, errors, writes. With -outage: the seconds from the last write that was
// acknowledged before the kill to the first that was begun and acknowledged after it, and how many were acknowledged in
// all. Each of those has to be in the list of each survivor, or the exit code is 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const warmUp = 500 * time.Millisecond

// A writer makes one write at a time, and names what it wrote.
type writer interface {
	write(ctx context.Context) (name string, err error)
}

type result struct {
	took   []time.Duration // of each acknowledged write
	errors int
	last   error
}

// One client: counts what it began after `from` and had the answer to before `until`.
func drive(w writer, from, until time.Time) result {
	var r result
	for time.Now().Before(until) {
		begin := time.Now()
		_, err := w.write(context.Background())
		switch {
		case begin.Before(from) || time.Now().After(until):
		case err != nil:
			r.errors++
			r.last = err
		default:
			r.took = append(r.took, time.Since(begin))
		}
	}
	return r
}

func openWriters(system string, clients, conns int, endpoints []string) ([]writer, error) {
	if system == "etcd" {
		return openEtcd(clients, conns, endpoints)
	}
	return openPins(clients, endpoints)
}

// User and system time of the processes so far.
func cpuOf(pids []int) time.Duration {
	var ticks int64
	for _, pid := range pids {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		text := string(raw)
		fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
		for _, field := range fields[11:13] { // utime, stime
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / 100 // USER_HZ
}

func measure(writers []writer, seconds float64, pids []int) {
	from := time.Now().Add(warmUp)
	until := from.Add(time.Duration(seconds * float64(time.Second)))
	results := make([]result, len(writers))
	var wait sync.WaitGroup
	for i := range writers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			results[i] = drive(writers[i], from, until)
		}()
	}
	time.Sleep(time.Until(from))
	cpu, own := cpuOf(pids), cpuOf([]int{os.Getpid()})
	time.Sleep(time.Until(until))
	cpu, own = cpuOf(pids)-cpu, cpuOf([]int{os.Getpid()})-own
	wait.Wait()

	var all result
	for _, r := range results {
		all.took = append(all.took, r.took...)
		all.errors += r.errors
		if r.last != nil {
			all.last = r.last
		}
	}
	if len(all.took) == 0 {
		die("nothing was acknowledged; the last error was: %v", all.last)
	}
	sort.Slice(all.took, func(i, j int) bool { return all.took[i] < all.took[j] })
	count := len(all.took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(count) }
	fmt.Printf("%.1f %.2f %.2f %.1f %.1f %d %d\n", float64(count)/seconds, ms(all.took[count/2]),
		ms(all.took[count*99/100]), each(cpu), each(own), all.errors, count)
}

// A write that was acknowledged.
type acknowledgement struct {
	name         string
	begun, ended time.Time
}

// Writes one thing after the other until `stop` is closed; what was acknowledged goes to `out`, and to `each` as it comes.
func insist(w writer, stop <-chan struct{}, each chan<- acknowledgement) (out []acknowledgement) {
	for {
		select {
		case <-stop:
			return out
		default:
		}
		begun := time.Now()
		attempt, end := context.WithTimeout(context.Background(), 500*time.Millisecond)
		name, err := w.write(attempt)
		end()
		if err == nil {
			a := acknowledgement{name, begun, time.Now()}
			out = append(out, a)
			select {
			case each <- a:
			default: // nobody waits for this one
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Kills the process while all write, waits until the others acknowledge again, and looks whether they have everything.
func outage(system string, writers []writer, pid int, survivors []string) {
	each := make(chan acknowledgement) // without room: who listens hears of what comes from then on
	stop := make(chan struct{})
	written := make([][]acknowledgement, len(writers))
	var wait sync.WaitGroup
	for i := range writers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			written[i] = insist(writers[i], stop, each)
		}()
	}
	time.Sleep(warmUp)
	killed := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		die("kill %d: %v", pid, err)
	}
	limit := time.After(30 * time.Second)
	for isOver := false; !isOver; {
		select {
		case a := <-each:
			isOver = a.begun.After(killed)
		case <-limit:
			die("nothing was acknowledged for 30 s after the kill")
		}
	}
	close(stop)
	wait.Wait()

	var last, first time.Time
	var names []string
	for _, list := range written {
		for _, a := range list {
			names = append(names, a.name)
			if !a.ended.After(killed) && a.ended.After(last) {
				last = a.ended
			}
			if a.begun.After(killed) && (first.IsZero() || a.ended.Before(first)) {
				first = a.ended
			}
		}
	}
	if last.IsZero() {
		die("nothing was acknowledged before the kill")
	}
	for _, endpoint := range survivors {
		has, err := listOf(system, endpoint)
		if err != nil {
			die("the list of %s: %v", endpoint, err)
		}
		lost := 0
		for _, name := range names {
			if !has[name] {
				lost++
			}
		}
		if lost > 0 {
			die("%d of %d acknowledged writes are LOST at %s", lost, len(names), endpoint)
		}
	}
	fmt.Printf("%.3f %d\n", first.Sub(last).Seconds(), len(names))
}

// The names of all that a member has, of which it has to know everything that was acknowledged before the question.
func listOf(system, endpoint string) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if system == "etcd" {
		return listEtcd(ctx, endpoint)
	}
	return listPins(ctx, endpoint)
}

func die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "drive: "+format+"\n", args...)
	os.Exit(1)
}

func main() {
	system := flag.String("system", "pins", "etcd or pins")
	clients := flag.Int("clients", 1, "how many write at the same time")
	conns := flag.Int("conns", 99, "etcd: clients beyond that share connections, as its own benchmark advises")
	seconds := flag.Float64("seconds", 3, "how long, after the warm-up")
	pidList := flag.String("pids", "", "processes whose CPU time is counted")
	isOutage := flag.Bool("outage", false, "kill the process of -pids, the member of the first endpoint, and time the outage")
	flag.Parse()

	var pids []int
	for _, text := range strings.FieldsFunc(*pidList, func(r rune) bool { return r == ',' }) {
		pid, err := strconv.Atoi(text)
		if err != nil {
			die("-pids: %v", err)
		}
		pids = append(pids, pid)
	}
	writers, err := openWriters(*system, *clients, *conns, flag.Args())
	if err != nil {
		die("%v", err)
	}
	if *isOutage {
		outage(*system, writers, pids[0], flag.Args()[1:])
		return
	}
	measure(writers, *seconds, pids)
}
