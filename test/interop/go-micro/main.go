// Command go-micro is a process that registers and looks with a registry of go-micro, as it is told: a line of JSON on
// its standard input is a command, and each line of its standard output tells what came of one.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"os"
	"sync"
	"time"

	"github.com/micro/plugins/v5/registry/etcd"
	"go-micro.dev/v5/registry"
)

// A command: what to do, and the id under which to tell of it.
type command struct {
	ID      string            `json:"id"`
	Do      string            `json:"do"`
	Name    string            `json:"name"`
	Service *registry.Service `json:"service"`
	TTL     int               `json:"ttl"`
}

// What came of a command.
type told struct {
	ID       string              `json:"id"`
	Event    string              `json:"event"`
	Error    string              `json:"error,omitempty"`
	Services []*registry.Service `json:"services,omitempty"`
	Action   string              `json:"action,omitempty"`
	Service  *registry.Service   `json:"service,omitempty"`
}

var writing sync.Mutex

func tell(what told) {
	writing.Lock()
	defer writing.Unlock()
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(line, '\n'))
}

func main() {
	kind := flag.String("registry", "etcd", "etcd or mdns")
	address := flag.String("address", "127.0.0.1:2379", "where etcd is")
	domain := flag.String("domain", "micro", "domain of the mdns group")
	flag.Parse()
	of := registryOf(*kind, *address, *domain)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var each command
		if err := json.Unmarshal(lines.Bytes(), &each); err != nil {
			panic(err)
		}
		go run(of, each)
	}
}

func registryOf(kind, address, domain string) registry.Registry {
	if kind == "etcd" {
		return etcd.NewRegistry(registry.Addrs(address), registry.Timeout(5*time.Second))
	}
	return registry.NewRegistry(func(options *registry.Options) {
		options.Context = context.WithValue(context.Background(), "mdns.domain", domain)
	})
}

func run(of registry.Registry, each command) {
	switch each.Do {
	case "register":
		var options []registry.RegisterOption
		if each.TTL > 0 {
			options = append(options, registry.RegisterTTL(time.Duration(each.TTL)*time.Second))
		}
		done(each.ID, of.Register(each.Service, options...))
	case "deregister":
		done(each.ID, of.Deregister(each.Service))
	case "get":
		services, err := of.GetService(each.Name)
		listed(each.ID, services, err)
	case "list":
		services, err := of.ListServices()
		listed(each.ID, services, err)
	case "watch":
		watch(of, each)
	default:
		tell(told{ID: each.ID, Event: "failed", Error: "no such command: " + each.Do})
	}
}

func done(id string, err error) {
	if err != nil {
		tell(told{ID: id, Event: "failed", Error: err.Error()})
		return
	}
	tell(told{ID: id, Event: "done"})
}

func listed(id string, services []*registry.Service, err error) {
	if err == registry.ErrNotFound {
		tell(told{ID: id, Event: "services"})
		return
	}
	if err != nil {
		done(id, err)
		return
	}
	tell(told{ID: id, Event: "services", Services: services})
}

func watch(of registry.Registry, each command) {
	watcher, err := of.Watch(registry.WatchService(each.Name))
	if err != nil {
		done(each.ID, err)
		return
	}
	tell(told{ID: each.ID, Event: "watching"})
	for {
		result, err := watcher.Next()
		if err != nil {
			done(each.ID, err)
			return
		}
		tell(told{ID: each.ID, Event: "changed", Action: result.Action, Service: result.Service})
	}
}
